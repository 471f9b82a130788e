import type { Time, Timer } from "../../server/system/time.ts";

/** What lasts a while, such as a replay, is over at once in virtual time, unless looking at the clock takes some. */
const LOOK_MS = 1.5;

/** The time of a slow processor core: what is done in slices takes several turns. */
export class SlowTime implements Time {
  readonly #time: Time;
  #lookedMs = 0;

  constructor(time: Time) {
    this.#time = time;
  }

  wallMs(): number {
    return this.#time.wallMs();
  }

  monotonicMs(): number {
    this.#lookedMs += LOOK_MS;
    return this.#time.monotonicMs() + this.#lookedMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#time.after(delayMs, run);
  }

  atEndOfTurn(run: () => void): void {
    this.#time.atEndOfTurn(run);
  }

  pause(delayMs: number): Promise<void> {
    return this.#time.pause(delayMs);
  }
}
