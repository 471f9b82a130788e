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
