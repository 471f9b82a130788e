import { say } from "../../command/run-command.ts";
import { loadRound } from "../load/load-round.ts";
import type { Contender } from "./contender.ts";

type WarmUp = {
  readonly ratePerSecond: number;
  /** For each contender; 0: none. */
  readonly durationMs: number;
  readonly signal: AbortSignal;
};

/** How long a load's last payments may take to be processed. */
const SETTLE_WAIT_MS = 30_000;

/** Compiles what will be measured, the generator included, by a load that does not count. */
export async function warmUpContenders(contenders: readonly Contender[], warmUp: WarmUp): Promise<void> {
  const { ratePerSecond, durationMs, signal } = warmUp;
  if (durationMs === 0) return;
  for (const { name, url, books } of contenders) {
    say(`warming up ${name}: seconds=${durationMs / 1000}`);
    await books?.open();
    const load = { target: url, ratePerSecond, leadInMs: 0, durationMs, pacing: "timer", signal } as const;
    const { acceptedCount, failedCount } = await loadRound(load);
    await books?.settle(acceptedCount, failedCount, SETTLE_WAIT_MS);
  }
}
