/** Weight of a new answer in the mean: some ten answers tell a new time. */
const GAIN = 1 / 8;
/** Beyond twice the mean, what is no longer usual. */
const UNUSUAL_MS = 50;
/** Attempts remembered at most; those begun while so many are unanswered say nothing new. A power of two. */
const REMEMBERED = 1024;

/**
 * How long a processor is expected to take for an answer: the newest of three kinds of news, each dated by when it was
 * true.
 *
 *   a poll          its minimum response time; true when it came, and then up to 5 s old
 *   an answer       how long it took; true when its attempt began. Answers after a poll are averaged, beginning with it
 *   no answer yet   how long the oldest attempt has waited that began after every answered one: news of now. Once that
 *                   is unusual, twice as long: what has taken a while is expected to take as long again
 *
 * An attempt that hangs while later ones are answered is odd, and says nothing of the others.
 */
export class AnswerTime {
  #meanMs = 0;
  #polledAtMs = Number.NEGATIVE_INFINITY;
  /** When attempts began that are later than every answered one: a ring, oldest first. */
  readonly #beganAtMs = new Float64Array(REMEMBERED);
  #first = 0;
  #count = 0;

  /** As far as answers and polls tell. */
  get usualMs(): number {
    return this.#meanMs;
  }

  /** Hot. */
  expectedMs(nowMs: number): number {
    if (this.#count === 0) return this.#meanMs;
    const waitedMs = nowMs - this.#beganAtMs[this.#first]!;
    return waitedMs > 2 * this.#meanMs + UNUSUAL_MS ? 2 * waitedMs : Math.max(this.#meanMs, waitedMs);
  }

  began(nowMs: number): void {
    if (this.#count === REMEMBERED) return;
    this.#beganAtMs[(this.#first + this.#count++) % REMEMBERED] = nowMs;
  }

  /** Somebody answered, whatever it was: the attempts before this one no longer wait for news. */
  answered(beganAtMs: number): void {
    this.#forgetUntil(beganAtMs);
  }

  /** A payment was charged. */
  charged(beganAtMs: number, nowMs: number): void {
    if (beganAtMs < this.#polledAtMs) return;
    this.#meanMs += (nowMs - beganAtMs - this.#meanMs) * GAIN;
  }

  /** What answers took, and a poll said, is of a state that is over. */
  forget(): void {
    this.#meanMs = 0;
  }

  polled(minResponseMs: number, nowMs: number): void {
    this.#meanMs = minResponseMs;
    this.#polledAtMs = nowMs;
    this.#forgetUntil(nowMs);
  }

  /** An attempt of which nothing will be heard. */
  dropped(beganAtMs: number): void {
    // One that never left is the newest, or says nothing.
    if (this.#count > 0 && this.#beganAtMs[(this.#first + this.#count - 1) % REMEMBERED] === beganAtMs) this.#count--;
  }

  #forgetUntil(beganAtMs: number): void {
    while (this.#count > 0 && this.#beganAtMs[this.#first]! <= beganAtMs) {
      this.#first = (this.#first + 1) % REMEMBERED;
      this.#count--;
    }
  }
}
