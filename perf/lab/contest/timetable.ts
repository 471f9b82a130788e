/** Runs what is due at fixed moments after its start, in order, until it is stopped. */
export class Timetable {
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<void>>();
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  at(ms: number, act: () => Promise<void> | void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const running = this.#run(act).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }, ms);
    this.#timers.add(timer);
  }

  /** Every `intervalMs` from `firstMs` on, before `endMs`. */
  every(intervalMs: number, firstMs: number, endMs: number, act: () => Promise<void> | void): void {
    for (let ms = firstMs; ms < endMs; ms += intervalMs) this.at(ms, act);
  }

  /** Cancels what is to come; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#running);
  }

  async #run(act: () => Promise<void> | void): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#onError(error);
    }
  }
}
