/** What nothing is known of is begun with. */
const INITIAL = 16;
const GROWTH = 1.25;
/** Answers to judge a limit by: at least so many, and as many as it allows, as the first of a burst are the fastest. */
const ANSWERS_MIN = 4;
/** Answer times differ by this much for reasons of their own: the network, a busy machine. */
const NOISE_MS = 25;
/** After growing in vain, in rounds and at least this long. */
const HOLD_ROUNDS = 4;
const HOLD_MS_MIN = 1000;
/** Attempts begun this soon after a poll are compared with it, once they are answered, or this long after it. */
const POLL_FRESH_MS = 1000;
const POLL_JUDGED_MS = 20_000;
const CUT_MAX = 4;
const NEVER_MS = Number.NEGATIVE_INFINITY;
const NOT_YET_MS = Number.POSITIVE_INFINITY;

/**
 * How many attempts may be in flight to one processor. It grows only while it is what holds payments back, a round at a
 * time, which begins when it is used up: twofold while nothing is known (TCP's slow start, RFC 5681), then by a
 * quarter. Two signs say that the processor has more than it bears, so that what is sent only waits there:
 *
 *   429                    half of it, once a round
 *   answers take longer    after it grew: by more than half of what it grew, it goes back, and rests a while, unless
 *                          they take as long then. After a poll: more than twice as long as the poll said, it shrinks
 *                          to what would keep to that
 *
 * So a processor's capacity is found by its answer times (Brakmo & Peterson, TCP Vegas, 1994), not by filling its
 * queue. A longer time alone is no sign: it may be the processor's own.
 */
export class InFlightLimit {
  #max: number;
  #limit: number;
  /** Below it the limit doubles. */
  #threshold: number;
  readonly #round = new AnswerMean();
  readonly #afterPoll = new AnswerMean();
  #begunAfterPollCount = 0;
  #polledMs = 0;
  /** Of the round before, which the present one is compared with; 0: there was none. */
  #beforeLimit = 0;
  #beforeMeanMs = 0;
  /** It has just gone back: if answers take longer than this even now, the time is the processor's own. */
  #ownAboveMs = NOT_YET_MS;
  #heldUntilMs = NEVER_MS;
  #cutAtMs = NEVER_MS;

  /** `max` in requests, at least 1. */
  constructor(max: number) {
    this.#max = max;
    this.#limit = Math.min(INITIAL, max);
    this.#threshold = max;
  }

  /** It may come to so many from here on, at least 1. */
  bound(max: number): void {
    const isUnknown = this.#threshold >= this.#max;
    this.#max = max;
    this.#limit = Math.min(this.#limit, max);
    this.#threshold = isUnknown ? max : Math.min(this.#threshold, max);
    if (this.#beforeLimit > max) this.#beforeLimit = 0;
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
    if (this.#isJustPolled(nowMs)) this.#begunAfterPollCount++;
    if (outCount >= this.current && this.#round.beganAtMs === NOT_YET_MS) this.#round.begin(nowMs);
  }

  /** A payment was charged. Hot. */
  succeeded(beganAtMs: number, nowMs: number): void {
    if (this.#isJustPolled(beganAtMs)) this.#compareWithPoll(beganAtMs, nowMs);
    if (this.#round.add(beganAtMs, nowMs) >= Math.max(ANSWERS_MIN, this.current)) this.#endRound(nowMs);
  }

  /**
   * An attempt begun at `beganAtMs` was refused with 429. One cut a round: what was begun before the last cut says
   * nothing new.
   */
  overloaded(beganAtMs: number, nowMs: number): void {
    if (beganAtMs > this.#cutAtMs) this.#cut(this.#limit / 2, nowMs);
  }

  polled(minResponseMs: number, nowMs: number): void {
    const isWaitedFor = this.#begunAfterPollCount >= ANSWERS_MIN && nowMs < this.#afterPoll.beganAtMs + POLL_JUDGED_MS;
    if (isWaitedFor) return;
    this.#polledMs = minResponseMs;
    this.#compareFrom(nowMs);
  }

  /** After an outage nothing is known of the processor: start slowly. */
  restart(): void {
    this.#limit = Math.min(INITIAL, this.#max);
    this.#threshold = this.#max;
    this.#beforeLimit = 0;
    this.#ownAboveMs = NOT_YET_MS;
    this.#heldUntilMs = NEVER_MS;
    this.#round.begin(NOT_YET_MS);
    this.#compareFrom(NOT_YET_MS);
  }

  #isJustPolled(atMs: number): boolean {
    const { beganAtMs } = this.#afterPoll;
    return atMs >= beganAtMs && atMs <= beganAtMs + POLL_FRESH_MS;
  }

  #compareFrom(atMs: number): void {
    this.#afterPoll.begin(atMs);
    this.#begunAfterPollCount = 0;
  }

  #compareWithPoll(beganAtMs: number, nowMs: number): void {
    const count = this.#afterPoll.add(beganAtMs, nowMs);
    const isOver = nowMs > this.#afterPoll.beganAtMs + POLL_FRESH_MS;
    if (!isOver || count < Math.max(ANSWERS_MIN, Math.min(this.#begunAfterPollCount, this.current))) return;
    const { meanMs } = this.#afterPoll;
    this.#compareFrom(NOT_YET_MS);
    const usualMs = this.#polledMs + NOISE_MS;
    if (meanMs > 2 * usualMs) this.#cut(this.#limit * Math.max(1 / CUT_MAX, usualMs / meanMs), nowMs);
  }

  #endRound(nowMs: number): void {
    const { meanMs } = this.#round;
    this.#round.begin(NOT_YET_MS);
    if (this.#hasGrownInVain(meanMs)) {
      this.#goBack(meanMs, nowMs);
      return;
    }
    if (meanMs > this.#ownAboveMs) {
      this.#threshold = this.#max;
      this.#heldUntilMs = NEVER_MS;
    }
    this.#ownAboveMs = NOT_YET_MS;
    if (nowMs < this.#heldUntilMs) return;
    this.#beforeLimit = this.#limit;
    this.#beforeMeanMs = meanMs;
    this.#grow();
  }

  /** Twice as many in flight that take twice as long are no more payments a second. */
  #hasGrownInVain(meanMs: number): boolean {
    if (this.#beforeLimit === 0 || meanMs <= this.#beforeMeanMs + NOISE_MS) return false;
    const growth = this.#limit / this.#beforeLimit - 1;
    return meanMs / Math.max(this.#beforeMeanMs, 1) - 1 > growth / 2;
  }

  #goBack(meanMs: number, nowMs: number): void {
    const growth = this.#limit / this.#beforeLimit;
    // After a small step nobody can tell.
    this.#ownAboveMs = growth < 1.5 ? NOT_YET_MS : meanMs * Math.sqrt(1 / growth);
    this.#threshold = this.#beforeLimit;
    this.#limit = this.#beforeLimit;
    this.#beforeLimit = 0;
    this.#heldUntilMs = nowMs + Math.max(HOLD_ROUNDS * meanMs, HOLD_MS_MIN);
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
    this.#ownAboveMs = NOT_YET_MS;
    this.#round.begin(NOT_YET_MS);
  }
}

/** How long the answers take to attempts that began at a time or later. */
class AnswerMean {
  beganAtMs = NOT_YET_MS;
  #count = 0;
  #sumMs = 0;

  get meanMs(): number {
    return this.#sumMs / this.#count;
  }

  begin(atMs: number): void {
    this.beganAtMs = atMs;
    this.#count = 0;
    this.#sumMs = 0;
  }

  /** Returns how many there are. */
  add(beganAtMs: number, nowMs: number): number {
    if (beganAtMs < this.beganAtMs) return this.#count;
    this.#sumMs += nowMs - beganAtMs;
    return ++this.#count;
  }
}
