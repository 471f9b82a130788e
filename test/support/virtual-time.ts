import type { Timer as Cancellable, Time } from "../../server/system/time.ts";

type Timer = { atMs: number; order: number; run: () => void };

const EPOCH_MS = Date.UTC(2025, 6, 15, 12);

/**
 * Time that passes only from one timer to the next, so that minutes take milliseconds and every run can be repeated.
 */
export class VirtualTime implements Time {
  /** How far somebody has set the wall clock ahead. */
  wallOffsetMs = 0;
  #nowMs = 0;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #timers: Timer[] = [];

  get nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return EPOCH_MS + this.#nowMs + this.wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  atEndOfTurn(run: () => void): void {
    this.after(0, run);
  }

  after(delayMs: number, run: () => void): Cancellable {
    const timer = { atMs: this.#nowMs + delayMs, order: this.#order++, run };
    this.#timers.push(timer);
    this.#rise();
    return {
      cancel: () => {
        timer.run = () => {};
      },
    };
  }

  #rise(): void {
    for (let i = this.#timers.length - 1; i > 0 && this.#swapIfLater((i - 1) >> 1, i); i = (i - 1) >> 1);
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, resolve);
    });
  }

  /** Runs every timer that is due until `untilMs`, and what awaits it. */
  async passUntil(untilMs: number): Promise<void> {
    while (this.#timers.length > 0 && this.#timers[0]!.atMs <= untilMs) {
      const timer = this.#takeFirst();
      this.#nowMs = timer.atMs;
      timer.run();
      // Promises that the timer settled go on before the next one: so many turns are more than any chain here has.
      for (let turn = 0; turn < 24; turn++) await undefined;
    }
    this.#nowMs = untilMs;
  }

  #takeFirst(): Timer {
    const first = this.#timers[0]!;
    const last = this.#timers.pop()!;
    if (this.#timers.length > 0) {
      this.#timers[0] = last;
      this.#sink();
    }
    return first;
  }

  #sink(): void {
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      if (left >= this.#timers.length) return;
      const earlier = left + 1 < this.#timers.length && this.#isLater(left, left + 1) ? left + 1 : left;
      if (!this.#swapIfLater(i, earlier)) return;
      i = earlier;
    }
  }

  #swapIfLater(parent: number, child: number): boolean {
    if (!this.#isLater(parent, child)) return false;
    [this.#timers[parent], this.#timers[child]] = [this.#timers[child]!, this.#timers[parent]!];
    return true;
  }

  #isLater(a: number, b: number): boolean {
    const [first, second] = [this.#timers[a]!, this.#timers[b]!];
    return first.atMs > second.atMs || (first.atMs === second.atMs && first.order > second.order);
  }
}
