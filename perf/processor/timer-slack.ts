import { Random } from "./random.ts";

/** How late a timer of the real processor rings: it counts whole milliseconds, and a busy thread pool adds some. */
export class TimerSlack {
  readonly #msMax: number;
  readonly #random = new Random(1);

  constructor(msMax: number) {
    this.#msMax = msMax;
  }

  /** Whole milliseconds: a delay queue has a lane for each length of sleep. */
  nextMs(): number {
    return Math.floor(this.#random.next() * (this.#msMax + 1));
  }
}
