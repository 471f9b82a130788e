import { say } from "../../command/run-command.ts";
import type { Settlement } from "../contenders/books.ts";
import type { Contender } from "../contenders/contender.ts";
import type { RoundOptions } from "../contenders/round-options.ts";
import { warmUpContenders } from "../contenders/warm-up-contenders.ts";
import { type UsageBetween, usageBetween } from "../limits/usage-between.ts";
import { failuresText, type LoadRound, loadRound } from "../load/load-round.ts";
import { isGeneratorLate } from "../load/load-summary.ts";
import type { LatencyOptions } from "./command-line.ts";

/** One round of one contender at one rate. */
export type LatencyRound = {
  readonly contender: Contender["name"];
  readonly round: number;
  readonly load: LoadRound;
  readonly usage: readonly UsageBetween[];
  /** CPU share of those whose turn it was not. */
  readonly idleCpuShare: number;
  readonly settlement: Settlement | undefined;
};

/** What is said of the loads; the contenders are given. */
export type LatencyLoads = RoundOptions & Pick<LatencyOptions, "rates" | "pacing">;

/** Who looks at more than the latency, while nothing is paid. */
export type Onlooker = {
  /** Nobody has been paid since the last round. */
  roundBegins(): Promise<void>;
  loadBegins(contender: Contender): Promise<void>;
  /** The last payment is answered, and not yet looked for in the books. */
  loadEnded(contender: Contender, load: LoadRound): Promise<void>;
};

const NOBODY: Onlooker = {
  async roundBegins() {},
  async loadBegins() {},
  async loadEnded() {},
};

/** How long after a round everything must be processed at the latest. */
const SETTLE_WAIT_MS = 30_000;

/** All rounds, the contenders taking turns: a noisy minute of the machine is everybody's. */
export async function measureLatency(
  contenders: readonly Contender[],
  options: LatencyLoads,
  signal: AbortSignal,
  onlooker = NOBODY,
): Promise<LatencyRound[]> {
  await warmUpContenders(contenders, {
    ratePerSecond: Math.max(...options.rates),
    durationMs: options.warmUpMs,
    signal,
  });
  const rounds: LatencyRound[] = [];
  for (let round = 1; round <= options.roundCount; round++) {
    await onlooker.roundBegins();
    for (const ratePerSecond of options.rates) {
      // Who is first changes: whatever a round leaves behind is not always the same one's.
      for (const contender of round % 2 === 1 ? contenders : contenders.toReversed()) {
        const others = contenders.filter((other) => other !== contender);
        const measured = await measureRound(contender, others, { ...options, ratePerSecond, round, onlooker }, signal);
        rounds.push(measured);
        say(progressText(measured, options.roundCount));
      }
    }
  }
  return rounds;
}

type LatencyTurn = { readonly ratePerSecond: number; readonly round: number; readonly onlooker: Onlooker };

async function measureRound(
  contender: Contender,
  others: readonly Contender[],
  { ratePerSecond, round, leadInMs, durationMs, pacing, onlooker }: LatencyLoads & LatencyTurn,
  signal: AbortSignal,
): Promise<LatencyRound> {
  const { name, url, topology, books } = contender;
  // What somebody else has started is not ours to empty.
  if (topology !== undefined) await books?.purge();
  await books?.open();
  await onlooker.loadBegins(contender);
  const readAll = () => [contender, ...others].map((each) => each.readings());
  const before = readAll();
  const load = await loadRound({ target: url, ratePerSecond, leadInMs, durationMs, pacing, signal });
  const [usage = [], ...idle] = readAll().map((after, i) => usageBetween(before[i]!, after, load.elapsedMs));
  await onlooker.loadEnded(contender, load);
  const settlement = await books?.settle(load.acceptedCount, load.failedCount, SETTLE_WAIT_MS);
  const idleCpuShare = idle.flat().reduce((sum, { name, cpuShare }) => sum + (isShared(name) ? 0 : cpuShare), 0);
  return { contender: name, round, load, usage, idleCpuShare, settlement };
}

/** Our processors belong to our topology, but nobody pays them while it is idle. */
function isShared(name: string): boolean {
  return name.startsWith("processor-");
}

function progressText({ contender, round, load, settlement }: LatencyRound, roundCount: number): string {
  const { latencyMs, latenessMs, ratePerSecond, failures } = load;
  return [
    `round ${round} of ${roundCount}`,
    `${ratePerSecond}/s ${contender.padEnd(10)}`,
    ["p50", "p99", "p99.9"].map((name) => `${name} ${latencyMs.at(Number(name.slice(1))).toFixed(2)} ms`).join("  "),
    `late p99 ${latenessMs.at(99).toFixed(2)} ms${isGeneratorLate(load) ? " MARKED" : ""}`,
    settlement === undefined ? "" : (settlement.problem ?? `all charged after ${settlement.tookMs?.toFixed(0)} ms`),
    failuresText(failures),
  ]
    .filter((part) => part !== "")
    .join("  ");
}
