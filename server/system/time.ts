/** The clocks of a process. */
export interface Clocks {
  /** The wall clock, in whole milliseconds since the epoch: it may be set, back as well. */
  wallMs(): number;
  /** Milliseconds since some moment in the past; never goes back. */
  monotonicMs(): number;
}

/** Its clocks and timers. */
export interface Time extends Clocks {
  /** Calls back once, after the delay or later. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls back once this turn of the event loop has taken in what there was. */
  atEndOfTurn(run: () => void): void;
  /** Resolves after the delay or later. */
  pause(delayMs: number): Promise<void>;
}

/**
 * How long until the next multiple of `everyMs` on the monotonic clock, or the one after it if that is near: half of
 * `everyMs` to one and a half, in whole milliseconds, as timers count. Whoever ticks by this wakes the process up
 * together with all others: each time costs an idle process a quarter of a millisecond of CPU.
 */
export function untilTickMs(clocks: Clocks, everyMs: number): number {
  const leftMs = everyMs - (clocks.monotonicMs() % everyMs);
  return Math.ceil(leftMs < everyMs / 2 ? leftMs + everyMs : leftMs);
}

export interface Timer {
  /** No more call. */
  cancel(): void;
}

/** Time as it passes on this machine. */
export class RealTime implements Time {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }

  atEndOfTurn(run: () => void): void {
    setImmediate(run);
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, delayMs));
  }
}
