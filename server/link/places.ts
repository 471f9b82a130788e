/** A number of places, and whoever waits for one, first come first served. */
export class Places {
  readonly #waiting = new Set<(hasPlace: boolean) => void>();
  #freeCount: number;

  constructor(count: number) {
    this.#freeCount = count;
  }

  /**
   * Takes a place, to be given back by `give`; false when `signal` is aborted, or all are dismissed, before one is
   * free.
   */
  async take(signal: AbortSignal): Promise<boolean> {
    if (this.#freeCount > 0) {
      this.#freeCount--;
      return true;
    }
    return new Promise((resolve) => {
      const settle = (hasPlace: boolean): void => {
        this.#waiting.delete(settle);
        signal.removeEventListener("abort", leave);
        resolve(hasPlace);
      };
      const leave = (): void => settle(false);
      this.#waiting.add(settle);
      signal.addEventListener("abort", leave);
    });
  }

  give(): void {
    const [next] = this.#waiting;
    if (next) next(true);
    else this.#freeCount++;
  }

  /** Nobody waits any longer. */
  dismiss(): void {
    for (const settle of [...this.#waiting]) settle(false);
  }
}
