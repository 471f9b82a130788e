import { setTimeout as sleep } from "node:timers/promises";

const POLL_INTERVAL_MS = 10;
/** Generous: on a busy machine everything takes its time, and a condition that comes true ends the waiting anyway. */
const TIMEOUT_MS = 30_000;

/** Waits until the condition holds. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not in time: ${what} timeoutMs=${timeoutMs}`);
    await sleep(POLL_INTERVAL_MS);
  }
}
