import { signOf } from "../answers/verdict.ts";
import type { OutcomeCode, Sequence } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import type { ProcessorTerms } from "../values/processor.ts";
import { AnswerTime } from "./answer-time.ts";
import { type HealthSnapshot, isFeltDown, isPolledFailing, isUp, minResponseMs, pollStamp } from "./health-snapshot.ts";
import { InFlightLimit } from "./in-flight-limit.ts";
import { NO_PROBE, Probes } from "./probes.ts";
import { Silence } from "./silence.ts";
import { asIfSeen, Spells } from "./spells.ts";

/** What a processor can be given now. */
export const OPEN = 0;
/** Working, but with as much in flight as it may have. */
export const SATURATED = 1;
/** Not working, and not due for a probe. */
export const DOWN = 2;

/** After a 429. */
const PAUSE_MS = 100;
/** One broken connection is the network's business; two in a row are the processor's. */
const LOSSES_TO_TRIP = 2;
/** So many different payments not taken in a row, and it is not the payments. */
const ODD_PAYMENTS_TO_TRIP = 8;
/** What is expected of a processor that nothing is known of: it fails so often, for so long; worth so many outages. */
const UP_MS_EXPECTED = 900_000;
const DOWN_MS_EXPECTED = 15_000;
const EXPECTATION_WEIGHT = 3;

/**
 * The way to one processor: a circuit breaker (Nygard, Release It!) over the health snapshot, and the in-flight limit.
 *
 *             a failure, timeout or "failing" poll, eight different payments rejected
 *      up ─────────────────────────────────────────► down ──┐ a probe fails: the next one 100 ms … 1 s later
 *      ▲                                              │  ▲──┘
 *      └──────── the answer to one payment ───────────┘ a "not failing" poll: the next probe at once
 *
 * Slow is not down, and 429 is not down; nor is one that hangs, until an attempt has timed out: it gets one attempt now
 * and then (silence.ts). News is judged by when its attempt began: what began before the last known
 * success says nothing about now. Lookups (GET) pass the processor's failure setting, so they say nothing of now
 * either; only when a POST was answered without a word on the charge, the first lookup that follows completes its
 * answer.
 *
 * What else routing wants to know of the processor is kept here too: how long it takes for an answer, and how soon it
 * is expected to fail, or to be back.
 */
export class ProcessorGate {
  /** See ProcessorTerms. */
  readonly name: string;
  readonly feePpm: number;
  readonly #processor: number;
  readonly #health: HealthSnapshot;
  readonly #limit: InFlightLimit;
  readonly #answerTime = new AnswerTime();
  readonly #silence = new Silence();
  #maxInFlight: number;
  readonly #up = new Spells(asIfSeen(EXPECTATION_WEIGHT, UP_MS_EXPECTED));
  readonly #down = new Spells(asIfSeen(EXPECTATION_WEIGHT, DOWN_MS_EXPECTED));
  readonly #probes = new Probes();
  #inFlightCount = 0;
  #isDown = false;
  #isSaidToWork = false;
  #downSinceMs = 0;
  #downReason = Outcome.NONE;
  #successBeganAtMs = Number.NEGATIVE_INFINITY;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #lossCount = 0;
  #lookupCount = 0;
  /** Sequences of the different payments that were not taken since the last success. */
  readonly #odd = new Float64Array(ODD_PAYMENTS_TO_TRIP);
  #oddCount = 0;
  #seenStamp = 0;
  /** The latest time it was asked at. */
  #toldMs = 0;

  constructor(processor: number, health: HealthSnapshot, { name, feePpm, maxInFlight }: ProcessorTerms) {
    this.name = name;
    this.feePpm = feePpm;
    this.#processor = processor;
    this.#health = health;
    this.#maxInFlight = maxInFlight;
    this.#limit = new InFlightLimit(maxInFlight);
  }

  /** So many requests may be out from here on, at least 1; what is out beyond that is waited for. */
  bound(maxInFlight: number): void {
    this.#maxInFlight = maxInFlight;
    this.#limit.bound(maxInFlight);
  }

  /** Requests out, lookups included. */
  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  /** Lookups out. */
  get lookupCount(): number {
    return this.#lookupCount;
  }

  /** Whether the processor has just said that it is full. */
  isPaused(nowMs: number): boolean {
    return nowMs < this.#pausedUntilMs;
  }

  /** Whether the next probe is better made with a payment that this processor has not seen yet. */
  get wantsFreshProbe(): boolean {
    return this.#probes.wantFresh;
  }

  /**
   * The outcome that says why the processor is down: REJECTED is many payments in a row. Outcome.NONE when a poll said
   * so, or it is up.
   */
  get downReason(): OutcomeCode {
    return this.#isDown ? this.#downReason : Outcome.NONE;
  }

  get limit(): number {
    return this.#limit.current;
  }

  /** What the limit may come to, as far as is known: requests in flight. */
  get limitHoped(): number {
    return this.#limit.hoped;
  }

  /** The same as of the latest time that the gate was told, for whoever only looks on. */
  get expectedAnswerNowMs(): number {
    return this.#answerTime.expectedMs(this.#toldMs);
  }

  /** How long an answer is expected to take. */
  expectedAnswerMs(nowMs: number): number {
    this.#listen(nowMs);
    return this.#answerTime.expectedMs(nowMs);
  }

  /** Expected failures per millisecond while it is up. */
  failuresPerMs(nowMs: number): number {
    return this.#up.endsPerMs(nowMs);
  }

  /** Expected recoveries per millisecond while it is down, or once it is. */
  recoveriesPerMs(nowMs: number): number {
    return this.#down.endsPerMs(nowMs);
  }

  /** Whether it counts as working, and does not answer. */
  isHanging(nowMs: number): boolean {
    return this.#silence.isHanging(this.#answerTime.usualMs, nowMs);
  }

  /** When a payment last tried whether it works again, or when it went down. */
  get triedAtMs(): number {
    return this.#probes.triedAtMs;
  }

  /** Whether a poll has said that it works again, and no payment has found out yet. */
  get isSaidToWork(): boolean {
    return this.#isSaidToWork;
  }

  /** As of the last decision. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /**
   * Whether a payment may be sent now: OPEN, SATURATED or DOWN. When down, OPEN means: as a probe. Hot: one atomic
   * load.
   */
  admit(nowMs: number): typeof OPEN | typeof SATURATED | typeof DOWN {
    const word = this.#listen(nowMs);
    if (isUp(word)) {
      this.#up.begin(nowMs);
      return this.#isFree(nowMs) ? OPEN : SATURATED;
    }
    this.#heedFailure(word, nowMs);
    return this.#probes.isDue(nowMs) ? OPEN : DOWN;
  }

  /** A POST or a lookup begins. Returns the number of the probe it is, or NO_PROBE. */
  began(isPost: boolean, nowMs: number): number {
    this.#inFlightCount++;
    if (!isPost) {
      this.#lookupCount++;
      return NO_PROBE;
    }
    this.#limit.began(this.#postCount, nowMs);
    this.#answerTime.began(nowMs);
    this.#silence.began(nowMs);
    return this.#isDown ? this.#probes.begin(nowMs) : NO_PROBE;
  }

  /** A lookup has ended: by itself it says nothing of the processor's way with payments. */
  lookupEnded(): void {
    this.#inFlightCount--;
    this.#lookupCount--;
  }

  /** A POST begun at `beganAtMs` has ended that no longer matters, or never left. */
  postDropped(probe: number, beganAtMs: number): void {
    this.#inFlightCount--;
    this.#answerTime.dropped(beganAtMs);
    this.#silence.ended(beganAtMs);
    this.#endProbe(probe);
  }

  /** A POST begun at `beganAtMs` for the payment with this sequence has ended. */
  postEnded(outcome: OutcomeCode, sequence: Sequence, beganAtMs: number, nowMs: number, probe: number): void {
    this.#inFlightCount--;
    const wasProbe = this.#endProbe(probe);
    const sign = signOf(outcome);
    this.#silence.ended(beganAtMs);
    if (Outcome.isAnswer(outcome)) {
      this.#answerTime.answered(beganAtMs);
      this.#silence.answered(beganAtMs, nowMs);
    }
    if (sign === "works") {
      this.#answerTime.charged(beganAtMs, nowMs);
      this.#succeeded(beganAtMs, nowMs);
      return;
    }
    if (wasProbe) this.#probeFailed(outcome, nowMs);
    if (sign === "full") {
      this.#limit.overloaded(beganAtMs, nowMs);
      this.#pausedUntilMs = nowMs + PAUSE_MS;
    } else if (sign === "odd") {
      this.#noteOdd(sequence, beganAtMs, nowMs);
    } else if (sign !== "silent" && !this.#isDown && beganAtMs >= this.#successBeganAtMs) {
      if (sign === "fails" || ++this.#lossCount >= LOSSES_TO_TRIP) this.#trip(outcome, nowMs);
    }
  }

  /** A lookup has told what became of a POST begun at `beganAtMs` whose own answer said nothing (sign: silent). */
  postExplained(isCharged: boolean, sequence: Sequence, beganAtMs: number, nowMs: number): void {
    if (isCharged) this.#succeeded(beganAtMs, nowMs);
    else this.#noteOdd(sequence, beganAtMs, nowMs);
  }

  /** Whether this was the probe whose answer is waited for; a later one may have taken its place. */
  #endProbe(probe: number): boolean {
    return this.#isDown && this.#probes.end(probe);
  }

  /** What the in-flight limit is about; lookups have a limit of their own (doubts.ts). */
  get #postCount(): number {
    return this.#inFlightCount - this.#lookupCount;
  }

  #isFree(nowMs: number): boolean {
    if (this.isPaused(nowMs) || this.#postCount >= this.#maxInFlight) return false;
    if (this.isHanging(nowMs)) return this.#silence.isLookDue(nowMs);
    return this.#postCount - this.#silence.stuckCount < this.#limit.current;
  }

  #succeeded(beganAtMs: number, nowMs: number): void {
    this.#lossCount = 0;
    this.#oddCount = 0;
    if (beganAtMs > this.#successBeganAtMs) this.#successBeganAtMs = beganAtMs;
    if (!this.#isDown) {
      this.#limit.succeeded(beganAtMs, nowMs);
    } else if (beganAtMs >= this.#downSinceMs) {
      // The attempt that found out began while it was down, and may have taken as long as failing does. Whether it is
      // slow now, the next few tell, which are all that the limit lets go.
      if (!this.#isSaidToWork) this.#answerTime.forget();
      this.#isDown = false;
      this.#isSaidToWork = false;
      this.#silence.overtaken(nowMs);
      this.#down.end(nowMs);
      this.#up.begin(nowMs);
      this.#health.feltUp(this.#processor);
    }
  }

  /** One payment that is not taken is odd; many different ones, with none taken between, are the processor's fault. */
  #noteOdd(sequence: Sequence, beganAtMs: number, nowMs: number): void {
    if (this.#isDown || beganAtMs < this.#successBeganAtMs || this.#isNotedOdd(sequence)) return;
    this.#odd[this.#oddCount++] = sequence;
    if (this.#oddCount === ODD_PAYMENTS_TO_TRIP) this.#trip(Outcome.REJECTED, nowMs);
  }

  #isNotedOdd(sequence: Sequence): boolean {
    for (let i = 0; i < this.#oddCount; i++) if (this.#odd[i] === sequence) return true;
    return false;
  }

  #trip(reason: number, nowMs: number): void {
    // What was polled before says nothing of a recovery.
    this.#listen(nowMs);
    this.#isDown = true;
    this.#isSaidToWork = false;
    this.#up.end(nowMs);
    this.#down.begin(nowMs);
    this.#downSinceMs = nowMs;
    this.#downReason = reason;
    this.#lossCount = 0;
    this.#oddCount = 0;
    this.#probes.restart(nowMs);
    this.#limit.restart();
    this.#health.feltDown(this.#processor);
  }

  #probeFailed(outcome: OutcomeCode, nowMs: number): void {
    const sign = signOf(outcome);
    this.#isSaidToWork = false;
    if (sign === "fails") this.#downReason = outcome;
    this.#probes.failed(sign === "odd", nowMs);
  }

  /** A poll alone never brings a processor back: it takes a payment's success, so its news is made felt as well. */
  #heedFailure(word: number, nowMs: number): void {
    if (!this.#isDown || !isFeltDown(word)) this.#trip(Outcome.NONE, nowMs);
  }

  /** What is known now, once a new poll is heeded. Hot: one atomic load. */
  #listen(nowMs: number): number {
    this.#toldMs = nowMs;
    const word = this.#health.read(this.#processor);
    if (pollStamp(word) !== this.#seenStamp) this.#heedPoll(word, nowMs);
    return word;
  }

  #heedPoll(word: number, nowMs: number): void {
    this.#seenStamp = pollStamp(word);
    this.#answerTime.polled(minResponseMs(word), nowMs);
    this.#limit.polled(minResponseMs(word), nowMs);
    this.#isSaidToWork = this.#isDown && !isPolledFailing(word);
    if (this.#isSaidToWork) this.#probes.bringForward(nowMs);
  }
}
