/** The real limiter is thrown away after this long without use, and the next call starts a window of its own. */
const IDLE_MS_MAX = 10_000;

export type HealthLimits = {
  readonly windowMs: number;
  readonly heldCountMax: number;
};

/**
 * One call per fixed window; early callers are held, oldest first, until a later window has a place for them.
 *
 *   window     ├── k ──────────┼── k+1 ────────┼── k+2 ────────┤
 *   calls       A   B C D          E
 *   answers     A   D=refused  B               C (E was queued behind C, and waits for k+3)
 *
 * Windows follow one another without a gap from the first call on, whether used or not: a call late in one window and a
 * call early in the next are both answered at once. Modelled on ASP.NET's FixedWindowRateLimiter, except that this one
 * renews the permit exactly at the window's end, the real one at the next beat of a 100 ms timer.
 */
export class HealthWindow<Caller> {
  readonly #limits: HealthLimits;
  readonly #held: Caller[] = [];
  #windowStartMs: number | undefined;
  #isPermitFree = true;
  #freeSinceMs = 0;

  constructor(limits: HealthLimits) {
    this.#limits = limits;
  }

  /** Call `takeDue` until it is empty before: callers already held come first. */
  arrive(caller: Caller, nowMs: number): "granted" | "held" | "refused" {
    this.#rollTo(nowMs);
    if (this.#windowStartMs === undefined || this.#isForgotten(nowMs)) {
      this.#windowStartMs = nowMs;
      this.#isPermitFree = true;
    }
    if (this.#isPermitFree && this.#held.length === 0) {
      this.#isPermitFree = false;
      return "granted";
    }
    if (this.#held.length >= this.#limits.heldCountMax) return "refused";
    this.#held.push(caller);
    return "held";
  }

  /** When the oldest held caller gets its answer; infinity when nobody is held. */
  nextDueMs(): number {
    if (this.#held.length === 0) return Number.POSITIVE_INFINITY;
    return this.#isPermitFree ? this.#windowStartMs! : this.#windowStartMs! + this.#limits.windowMs;
  }

  /** The held caller whose window has come. */
  takeDue(nowMs: number): Caller | undefined {
    this.#rollTo(nowMs);
    if (!this.#isPermitFree || this.#held.length === 0) return undefined;
    this.#isPermitFree = false;
    return this.#held.shift();
  }

  /** A held caller that hangs up frees its place in the queue. */
  hangUp(caller: Caller): boolean {
    const position = this.#held.indexOf(caller);
    if (position < 0) return false;
    this.#held.splice(position, 1);
    return true;
  }

  #rollTo(nowMs: number): void {
    if (this.#windowStartMs === undefined) return;
    const { windowMs } = this.#limits;
    const passedCount = Math.floor((nowMs - this.#windowStartMs) / windowMs);
    if (passedCount < 1) return;
    if (!this.#isPermitFree) this.#freeSinceMs = this.#windowStartMs + windowMs;
    this.#isPermitFree = true;
    this.#windowStartMs += passedCount * windowMs;
  }

  #isForgotten(nowMs: number): boolean {
    return this.#isPermitFree && this.#held.length === 0 && nowMs - this.#freeSinceMs > IDLE_MS_MAX;
  }
}
