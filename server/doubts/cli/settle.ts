import { setTimeout as sleep } from "node:timers/promises";
import type { HandWord } from "../../../core/settling/settlement.ts";
import { type Progress, UNWATCHED } from "../../text/progress.ts";
import type { Answer, Instance } from "./instance.ts";

/** A processor that hangs is given up after REQUEST_TIMEOUT_MS, 10 s by default; then there is a gap to settle in. */
export const PATIENCE_MS = 15_000;
const RETRY_PAUSE_MS = 100;

export type SettleWish = { id: string; word: HandWord; asOf: string | undefined };
export type SettleResult =
  /** `payment` is the payment as the word left it. */
  | { kind: "settled"; at: string; payment: Record<string, unknown> }
  | { kind: "refused"; reason: string }
  | { kind: "uncertain"; reason: string };

/** Says the word to the instance that knows the payment, again while that is worth it. Never rejects. */
export async function settle(
  instances: readonly Instance[],
  { id, word, asOf }: SettleWish,
  patienceMs = PATIENCE_MS,
  progress: Progress = UNWATCHED,
): Promise<SettleResult> {
  const problems: string[] = [];
  const untilMs = performance.now() + patienceMs;
  for (const instance of instances) {
    try {
      const wish = { word, asOf: asOf ?? (await instance.now()) };
      const { status, body } = await sayUntil(untilMs, () => instance.settle(id, wish), progress);
      if (status === 200) return { kind: "settled", at: instance.at, payment: body };
      if (status !== 404) return refusal(status, `${body["detail"]}: at=${instance.at} status=${status}`);
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  if (problems.length === 0) return { kind: "refused", reason: `no instance named knows this payment: ID=${id}` };
  return {
    kind: "uncertain",
    reason: [`no instance that answers knows this payment: ID=${id}`, ...problems].join("\n"),
  };
}

async function sayUntil(untilMs: number, say: () => Promise<Answer>, progress: Progress): Promise<Answer> {
  for (;;) {
    const answer = await say();
    if (!answer.isForNow || performance.now() >= untilMs) return answer;
    progress(`not now, it is said again: ${answer.body["detail"]}`);
    await sleep(RETRY_PAUSE_MS);
  }
}

/** Whatever is not a word of the instance on this payment leaves open what became of it. */
function refusal(status: number, reason: string): SettleResult {
  return { kind: status === 409 ? "refused" : "uncertain", reason };
}
