/** The attempt was made to a processor that was taken for working. */
export const NO_PROBE = 0;
/** Probe numbers are kept in 32 bits (flights.ts). */
const PROBE_MAX = 0xffffffff;

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 1000;
/** A probe without an answer for this long no longer keeps the next one waiting. */
const ANSWER_MS_MAX = 3000;
/**
 * So many probes by payments in doubt in vain, and one that is not gets a turn: it may be those payments that do not
 * get through.
 */
const VAIN_MAX = 8;

/** When a processor that is down is tried, one payment at a time: again after 100 ms, 200 ms … 1 s. */
export class Probes {
  /** When a payment last tried whether the processor works again, or when it went down. */
  triedAtMs = Number.NEGATIVE_INFINITY;
  /** Number of the last probe. */
  #last = NO_PROBE;
  #beganAtMs = Number.NEGATIVE_INFINITY;
  #dueAtMs = 0;
  #intervalMs = INTERVAL_MS_MIN;
  #vainCount = 0;

  /** Whether the next one is better made with a payment that the processor has not seen yet. */
  get wantFresh(): boolean {
    return this.#vainCount >= VAIN_MAX;
  }

  isDue(nowMs: number): boolean {
    const isUnderWay = nowMs - this.#beganAtMs < ANSWER_MS_MAX;
    return !isUnderWay && nowMs >= this.#dueAtMs;
  }

  /** The processor has gone down. */
  restart(nowMs: number): void {
    this.triedAtMs = nowMs;
    this.#vainCount = 0;
    this.#intervalMs = INTERVAL_MS_MIN;
    this.#dueAtMs = nowMs + INTERVAL_MS_MIN;
    this.#beganAtMs = Number.NEGATIVE_INFINITY;
  }

  /** Returns its number, which is not NO_PROBE. */
  begin(nowMs: number): number {
    this.#beganAtMs = nowMs;
    this.triedAtMs = nowMs;
    this.#last = this.#last === PROBE_MAX ? 1 : this.#last + 1;
    return this.#last;
  }

  /** Whether this was the probe whose answer is waited for; a later one may have taken its place. */
  end(probe: number): boolean {
    const isCurrent = probe !== NO_PROBE && probe === this.#last;
    if (isCurrent) this.#beganAtMs = Number.NEGATIVE_INFINITY;
    return isCurrent;
  }

  /** `isOdd`: the payment itself was not taken. */
  failed(isOdd: boolean, nowMs: number): void {
    // Once a fresh payment has had its turn, the others go on.
    if (this.wantFresh) this.#vainCount = 0;
    else this.#vainCount += isOdd ? VAIN_MAX : 1;
    this.#intervalMs = Math.min(this.#intervalMs * 2, INTERVAL_MS_MAX);
    this.#dueAtMs = nowMs + this.#intervalMs;
  }

  /** The next one need not wait any longer. */
  bringForward(nowMs: number): void {
    this.#dueAtMs = nowMs;
  }
}
