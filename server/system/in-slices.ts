import type { Time } from "./time.ts";

/** Signals, and the payments of other partitions, wait no longer than this and a step. */
const SLICE_MS = 3;

/**
 * Takes the steps, each of about a millisecond, and lets everything else have its turn after every few milliseconds.
 * Rejects when `signal` is aborted meanwhile; the steps may be taken on later.
 */
export async function inSlices<T>(steps: Generator<void, T, void>, time: Time, signal?: AbortSignal): Promise<T> {
  let turnedAtMs = time.monotonicMs();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (time.monotonicMs() - turnedAtMs < SLICE_MS) continue;
    await new Promise<void>((resolve) => time.atEndOfTurn(resolve));
    signal?.throwIfAborted();
    turnedAtMs = time.monotonicMs();
  }
}

/** Takes all steps at once. */
export function atOnce<T>(steps: Generator<void, T, void>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}
