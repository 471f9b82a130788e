/** The thread of a Pacer: sleeps until requests are due, then wakes the generator. See thread-pacer.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { IS_WOKEN_AT, type PacerOrder, STOP_AT } from "./pacer-order.ts";

const { dueMs, words, beginNs, gapMs } = workerData as PacerOrder;

/** From the beginning. performance.now() counts from another moment in each thread. */
const nowMs = (): number => Number(process.hrtime.bigint() - beginNs) / 1e6;

let next = 0;
while (next < dueMs.length) {
  const waitMs = dueMs[next]! - nowMs();
  // Only stopping ends it early.
  if (waitMs > 0 && Atomics.wait(words, STOP_AT, 0, waitMs) !== "timed-out") break;
  // One message at a time: while the generator is busy it is not told again.
  if (Atomics.exchange(words, IS_WOKEN_AT, 1) === 0) parentPort!.postMessage(null);
  const notBeforeMs = nowMs() + gapMs;
  next++;
  // The last one is never skipped: nobody would come for it.
  while (next < dueMs.length - 1 && dueMs[next]! < notBeforeMs) next++;
}
