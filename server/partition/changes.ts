import type { Time } from "../system/time.ts";

/** What is decided by time is decided this often; changes are looked at at once. */
export const LOOK_MS = 50;

/** Who waits for something to change: what this instance has of a partition, or what is known of the others. */
export class Changes {
  readonly #time: Time;
  readonly #waiting = new Set<() => void>();

  constructor(time: Time) {
    this.#time = time;
  }

  /** Resolves with the next change, or after `timeoutMs`. */
  next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        timer.cancel();
        this.#waiting.delete(end);
        resolve();
      };
      const timer = this.#time.after(timeoutMs, end);
      this.#waiting.add(end);
    });
  }

  /** Something has changed. */
  note(): void {
    for (const end of [...this.#waiting]) end();
  }
}
