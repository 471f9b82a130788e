import type { Clock } from "./clock.ts";

/** One timer for everything that waits: rings once, at the earliest of the times asked for since it last rang. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: (nowMs: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #setForMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, ring: (nowMs: number) => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** An infinite time asks for nothing. */
  setFor(dueMs: number): void {
    if (dueMs >= this.#setForMs) return;
    clearTimeout(this.#timer);
    this.#setForMs = dueMs;
    // Node's timers have whole milliseconds and may ring a fraction early; whoever is not due yet then sets it again.
    this.#timer = setTimeout(
      () => {
        this.#setForMs = Number.POSITIVE_INFINITY;
        this.#ring(this.#clock());
      },
      // Node.js from 21 on warns of a negative one.
      Math.max(0, Math.ceil(dueMs - this.#clock())),
    );
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#setForMs = Number.POSITIVE_INFINITY;
  }
}
