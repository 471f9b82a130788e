/** What nothing is known of is begun with. */
const INITIAL = 16;
const GROWTH = 1.25;
/** Answers to judge a round by, at least. */
const ANSWERS_MIN = 4;
/** Answer times differ by this much for reasons of their own: the network, a busy machine. */
const NOISE_MS = 25;
/** After growing in vain, in rounds and at least this long. */
const HOLD_ROUNDS = 4;
const HOLD_MS_MIN = 1000;
/** Answers to attempts begun this soon after a poll are compared with it. */
const POLL_FRESH_MS = 1000;
const CUT_MAX = 4;

/**
 * How many attempts may be in flight to one processor. It grows only while it is what holds payments back: twofold each
 * round while nothing is known (TCP's slow start, RFC 5681), then by a quarter. Two signs say that the processor has
 * more than it bears, so that what is sent only waits there:
 *
 *   429                    half of it, once a round
 *   answers take longer    after it grew: by more than half of what it grew, it goes back, and rests a while.
 *                          After a poll: more than twice as long as the poll said, it shrinks to what would keep to it
 *
 * So its capacity is found by its answer times (Brakmo & Peterson, TCP Vegas, 1994), not by filling its queue. A longer
 * answer time alone is no sign: it may be the processor's own.
 */
export class InFlightLimit {
  readonly #max: number;
  #limit: number;
  /** Below it the limit doubles. */
  #threshold: number;
  /** Of the round before, which the present one is compared with; 0: there was none. */
  #beforeLimit = 0;
  #beforeMeanMs = 0;
  #heldUntilMs = Number.NEGATIVE_INFINITY;
  /** Of the round: answers to attempts begun since. */
  #roundBeganAtMs = Number.NEGATIVE_INFINITY;
  #answerCount = 0;
  #answerSumMs = 0;
  /** When the limit was last used up. */
  #fullAtMs = Number.NEGATIVE_INFINITY;
  #cutAtMs = Number.NEGATIVE_INFINITY;
  #polledAtMs = Number.NEGATIVE_INFINITY;
  #polledMs = 0;

  /** `max` in requests, at least 1. */
  constructor(max: number) {
    this.#max = max;
    this.#limit = Math.min(INITIAL, max);
    this.#threshold = max;
  }

  get current(): number {
    return Math.floor(this.#limit);
  }

  /** What it may come to, as far as is known. */
  get hoped(): number {
    return Math.floor(Math.max(this.#limit, this.#threshold));
  }

  /** An attempt begins, and now `outCount` are out. Hot. */
  began(outCount: number, nowMs: number): void {
    if (outCount >= this.current) this.#fullAtMs = nowMs;
  }

  /** A payment was charged. Hot. */
  succeeded(beganAtMs: number, nowMs: number): void {
    if (beganAtMs < this.#roundBeganAtMs) return;
    this.#answerCount++;
    this.#answerSumMs += nowMs - beganAtMs;
    if (this.#answerCount >= Math.max(ANSWERS_MIN, Math.min(this.current / 2, 64))) this.#endRound(nowMs);
  }

  /**
   * An attempt begun at `beganAtMs` was refused with 429. One cut a round: what was begun before the last cut says
   * nothing new.
   */
  overloaded(beganAtMs: number, nowMs: number): void {
    if (beganAtMs <= this.#cutAtMs) return;
    this.#cut(this.#limit / 2, nowMs);
  }

  polled(minResponseMs: number, nowMs: number): void {
    this.#polledAtMs = nowMs;
    this.#polledMs = minResponseMs;
    this.#beginRound(nowMs);
  }

  /** After an outage nothing is known of the processor: start slowly. */
  restart(): void {
    this.#limit = Math.min(INITIAL, this.#max);
    this.#threshold = this.#max;
    this.#beforeLimit = 0;
    this.#heldUntilMs = Number.NEGATIVE_INFINITY;
    this.#beginRound(Number.NEGATIVE_INFINITY);
  }

  #endRound(nowMs: number): void {
    const meanMs = this.#answerSumMs / this.#answerCount;
    const wasFull = this.#fullAtMs >= this.#roundBeganAtMs;
    const isAfterPoll = this.#roundBeganAtMs === this.#polledAtMs && nowMs - meanMs - this.#polledAtMs < POLL_FRESH_MS;
    if (isAfterPoll && meanMs > 2 * (this.#polledMs + NOISE_MS)) {
      this.#cut(this.#limit * Math.max(1 / CUT_MAX, (this.#polledMs + NOISE_MS) / meanMs), nowMs);
      return;
    }
    if (!wasFull) {
      this.#beginRound(nowMs);
      return;
    }
    if (this.#hasGrownInVain(meanMs)) {
      this.#threshold = Math.max(1, this.#beforeLimit);
      this.#limit = this.#threshold;
      this.#beforeLimit = 0;
      this.#heldUntilMs = nowMs + Math.max(HOLD_ROUNDS * meanMs, HOLD_MS_MIN);
    } else if (nowMs >= this.#heldUntilMs) {
      this.#beforeLimit = this.#limit;
      this.#beforeMeanMs = meanMs;
      this.#grow();
    }
    this.#beginRound(nowMs);
  }

  /** Twice as many in flight that take twice as long are no more payments a second. */
  #hasGrownInVain(meanMs: number): boolean {
    if (this.#beforeLimit === 0 || meanMs <= this.#beforeMeanMs + NOISE_MS) return false;
    const growth = this.#limit / this.#beforeLimit - 1;
    return meanMs / Math.max(this.#beforeMeanMs, 1) - 1 > growth / 2;
  }

  #grow(): void {
    const wished = this.#limit < this.#threshold ? Math.min(this.#limit * 2, this.#threshold) : this.#limit * GROWTH;
    this.#limit = Math.min(this.#max, Math.max(wished, this.#limit + 1));
  }

  #cut(to: number, nowMs: number): void {
    this.#cutAtMs = nowMs;
    this.#threshold = Math.max(1, to);
    this.#limit = this.#threshold;
    this.#beforeLimit = 0;
    this.#heldUntilMs = Number.NEGATIVE_INFINITY;
    this.#beginRound(nowMs);
  }

  #beginRound(nowMs: number): void {
    this.#roundBeganAtMs = nowMs;
    this.#answerCount = 0;
    this.#answerSumMs = 0;
  }
}
