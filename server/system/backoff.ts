const FIRST_MS = 250;
const MAX_MS = 30_000;

/**
 * When what fails again and again may be tried next: after a quarter of a second, then twice as long each time, up to
 * 30 s.
 */
export class Backoff {
  #failedCount = 0;
  #tryFromMs = 0;

  /** Whether the last try failed. */
  get isFailing(): boolean {
    return this.#failedCount > 0;
  }

  mayTry(nowMs: number): boolean {
    return nowMs >= this.#tryFromMs;
  }

  /** Returns how long to wait. */
  failed(nowMs: number): number {
    const delayMs = Math.min(FIRST_MS * 2 ** Math.min(this.#failedCount++, 20), MAX_MS);
    this.#tryFromMs = nowMs + delayMs;
    return delayMs;
  }

  worked(): void {
    this.#failedCount = 0;
    this.#tryFromMs = 0;
  }
}
