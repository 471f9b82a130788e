import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const UNTIL_TIMEOUT_MS = 30_000;

export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    // A process that ended keeps its number until its parent, for an orphan process 1, has asked for its exit code.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + UNTIL_TIMEOUT_MS;
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs)
      throw new Error(`condition must come true: timeoutMs=${UNTIL_TIMEOUT_MS} ${isTrue}`);
    await sleep(5);
  }
}

export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("the promise must be rejected");
}
