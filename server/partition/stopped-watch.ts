import type { Clocks } from "../system/time.ts";

/** Nobody is away from the event loop for so long but a process that was stopped. */
const STOPPED_MS = 2000;
/** What lay in its sockets meanwhile has been read by then. */
const READING_MS = 300;

/**
 * Whether this process has just gone on after it was stopped (SIGSTOP, a frozen container). What was sent to it
 * meanwhile is old: its clients have been told something else long ago, and its payment may have been charged by
 * another carrier and be forgotten since.
 */
export class StoppedWatch {
  readonly #time: Clocks;
  #tickedAtMs: number;
  #readUntilMs = Number.NEGATIVE_INFINITY;

  constructor(time: Clocks) {
    this.#time = time;
    this.#tickedAtMs = time.monotonicMs();
  }

  /** From now on it is watched: a start may take long. */
  begin(): void {
    this.#tickedAtMs = this.#time.monotonicMs();
  }

  /** Before whatever else is done, several times a second. */
  tick(): void {
    const nowMs = this.#time.monotonicMs();
    if (nowMs - this.#tickedAtMs > STOPPED_MS) this.#readUntilMs = nowMs + READING_MS;
    this.#tickedAtMs = nowMs;
  }

  /** Whether what is read now may have been sent before the process went on. Hot: one clock reading. */
  get wasStopped(): boolean {
    const nowMs = this.#time.monotonicMs();
    return nowMs - this.#tickedAtMs > STOPPED_MS || nowMs < this.#readUntilMs;
  }
}
