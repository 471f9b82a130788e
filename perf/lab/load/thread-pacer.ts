import { Worker } from "node:worker_threads";
import { IS_WOKEN_AT, type PacerOrder, STOP_AT, WORD_COUNT } from "./pacer-order.ts";

/** A wake-up costs some 15 µs on each side; above 5000/s payments leave in twos and threes. */
const GAP_MS = 0.2;

export type PacerListener = {
  /** Payments are due; several may be by then. */
  readonly onDue: () => void;
  /** The last payment was due by the thread's clock, or the thread was stopped. */
  readonly onEnd: () => void;
  readonly onError: (error: Error) => void;
};

/**
 * Calls back when payments are due. Node's timers have a resolution of 1 ms, so a thread sleeps on a futex instead,
 * which is exact to about 0.1 ms, and sends a message. Neither it nor the generator burns a core in between.
 *
 *   thread    ── Atomics.wait until due ── postMessage ── Atomics.wait ──
 *   generator ───────────────────────────── onDue ──────────────────────
 */
export class ThreadPacer {
  readonly #words = new Int32Array(new SharedArrayBuffer(WORD_COUNT * Int32Array.BYTES_PER_ELEMENT));

  /** `beginMs` is the moment from which the due times count, on performance.now's clock. */
  constructor(dueMs: Float64Array<SharedArrayBuffer>, beginMs: number, { onDue, onEnd, onError }: PacerListener) {
    // In this order: between the two reads time may pass, and the thread had better be late than early.
    const leftMs = beginMs - performance.now();
    const beginNs = process.hrtime.bigint() + BigInt(Math.round(leftMs * 1e6));
    const workerData: PacerOrder = { dueMs, words: this.#words, beginNs, gapMs: GAP_MS };
    const worker = new Worker(new URL("./pacer-thread.js", import.meta.url), { workerData });
    worker.on("message", () => {
      Atomics.store(this.#words, IS_WOKEN_AT, 0);
      onDue();
    });
    worker.on("error", onError);
    worker.on("exit", onEnd);
  }

  /** The thread ends by itself then. */
  stop(): void {
    Atomics.store(this.#words, STOP_AT, 1);
    Atomics.notify(this.#words, STOP_AT);
  }
}
