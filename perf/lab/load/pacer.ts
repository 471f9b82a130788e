import { Worker } from "node:worker_threads";
import { IS_WOKEN_AT, type PacerOrder, STOP_AT, WORD_COUNT } from "./pacer-order.ts";

/** Starting a thread takes some 30 ms. */
const LEAD_MS = 100;
/** A wake-up costs some 15 µs on each side; above 5000/s requests leave in twos and threes. */
const GAP_MS = 0.2;

/** Calls back when requests are due; several may be by then. */
export interface Pacer {
  /** The moment from which the due times count, a little in the future, on performance.now's clock. */
  start(): number;
  stop(): void;
}

/** `thread` is exact, `timer` is cheap: see the two classes. */
export type Pacing = "thread" | "timer";

/** With Node's timers, which have a resolution of 1 ms: requests leave in batches, half a millisecond late in the middle. */
export class TimerPacer implements Pacer {
  readonly #dueMs: Float64Array;
  readonly #onDue: () => void;
  #beginMs = 0;
  #next = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(dueMs: Float64Array, onDue: () => void) {
    this.#dueMs = dueMs;
    this.#onDue = onDue;
  }

  start(): number {
    this.#beginMs = performance.now() + LEAD_MS;
    this.#wait();
    return this.#beginMs;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#next = this.#dueMs.length;
  }

  #wait(): void {
    const nowMs = performance.now() - this.#beginMs;
    while (this.#next < this.#dueMs.length && this.#dueMs[this.#next]! <= nowMs) this.#next++;
    if (this.#next === this.#dueMs.length) return;
    this.#timer = setTimeout(() => {
      // What is due now is looked for before it is sent: what becomes due meanwhile must find a timer.
      this.#wait();
      this.#onDue();
    }, this.#dueMs[this.#next]! - nowMs);
  }
}

/**
 * Calls back when requests are due. Node's timers have a resolution of 1 ms, so a thread sleeps on a futex instead, which is exact to
 * about 0.1 ms, and sends a message. Neither it nor the generator burns a core in between.
 *
 *   thread    ── Atomics.wait until due ── postMessage ── Atomics.wait ──
 *   generator ───────────────────────────── onDue ──────────────────────
 */
export class ThreadPacer implements Pacer {
  readonly #dueMs: Float64Array<SharedArrayBuffer>;
  readonly #words = new Int32Array(new SharedArrayBuffer(WORD_COUNT * Int32Array.BYTES_PER_ELEMENT));
  readonly #onDue: () => void;
  readonly #onError: (error: Error) => void;
  #worker: Worker | undefined;

  constructor(dueMs: Float64Array<SharedArrayBuffer>, onDue: () => void, onError: (error: Error) => void) {
    this.#dueMs = dueMs;
    this.#onDue = onDue;
    this.#onError = onError;
  }

  start(): number {
    const beginMs = performance.now() + LEAD_MS;
    const beginNs = process.hrtime.bigint() + BigInt(Math.round((beginMs - performance.now()) * 1e6));
    const workerData: PacerOrder = { dueMs: this.#dueMs, words: this.#words, beginNs, gapMs: GAP_MS };
    this.#worker = new Worker(new URL("./pacer-thread.js", import.meta.url), { workerData });
    this.#worker.on("message", () => {
      Atomics.store(this.#words, IS_WOKEN_AT, 0);
      this.#onDue();
    });
    this.#worker.on("error", this.#onError);
    return beginMs;
  }

  stop(): void {
    Atomics.store(this.#words, STOP_AT, 1);
    Atomics.notify(this.#words, STOP_AT);
  }
}
