import { type HealthSnapshot, isFeltDown, isPolledFailing, isUp, pollStamp } from "./health-snapshot.ts";
import { InFlightLimit } from "./in-flight-limit.ts";
import { ALREADY_CHARGED, CHARGED, OVERLOADED, REJECTED, RESET } from "./payment.ts";

/** What a processor can be given now. */
export const OPEN = 0;
/** Working, but with as much in flight as it may have. */
export const SATURATED = 1;
/** Not working, and not due for a probe. */
export const DOWN = 2;

/** The attempt was made to a processor that was taken for working. */
export const NO_PROBE = 0;
/** Probe numbers are kept in 32 bits (flights.ts). */
const PROBE_MAX = 0xffffffff;

const PROBE_INTERVAL_MS_MIN = 100;
const PROBE_INTERVAL_MS_MAX = 1000;
/** A probe without an answer for this long no longer keeps the next one waiting. */
const PROBE_ANSWER_MS_MAX = 3000;
/** After a 429. */
const PAUSE_MS = 100;
/** One broken connection is the network's business; two in a row are the processor's. */
const LOSSES_TO_TRIP = 2;

/**
 * The way to one processor: a circuit breaker (Nygard, Release It!) over the health snapshot, and the in-flight limit.
 *
 *             a refusal, timeout or "failing" poll
 *      up ─────────────────────────────────────────► down ──┐ a probe fails: the next one 100 ms … 1 s later
 *      ▲                                              │  ▲──┘
 *      └──────── the answer to one payment ───────────┘ a "not failing" poll: the next probe at once
 *
 * Slow is not down, and 429 is not down. News is judged by when its attempt began: what began before the last known success
 * says nothing about now. Lookups (GET) pass the processor's failure setting, so they say nothing either.
 */
export class ProcessorGate {
  readonly #processor: number;
  readonly #health: HealthSnapshot;
  readonly #limit: InFlightLimit;
  #inFlightCount = 0;
  /** When the limit was last used up. */
  #fullAtMs = Number.NEGATIVE_INFINITY;
  #isDown = false;
  #downSinceMs = 0;
  #successBeganAtMs = Number.NEGATIVE_INFINITY;
  /** Number of the last probe. */
  #probe = NO_PROBE;
  #probeBeganAtMs = Number.NEGATIVE_INFINITY;
  #probeDueAtMs = 0;
  #probeIntervalMs = PROBE_INTERVAL_MS_MIN;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;
  #lossCount = 0;
  #seenStamp = 0;

  /** `maxInFlight` in requests. */
  constructor(processor: number, health: HealthSnapshot, maxInFlight: number) {
    this.#processor = processor;
    this.#health = health;
    this.#limit = new InFlightLimit(maxInFlight);
  }

  /** Requests out, lookups included. */
  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  get limit(): number {
    return this.#limit.current;
  }

  /** As of the last decision. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** Whether a payment may be sent now: OPEN, SATURATED or DOWN. When down, OPEN means: as a probe. Hot: one atomic load. */
  admit(nowMs: number): typeof OPEN | typeof SATURATED | typeof DOWN {
    const word = this.#health.read(this.#processor);
    if (isUp(word)) {
      const isFree = this.#inFlightCount < this.#limit.current && nowMs >= this.#pausedUntilMs;
      return isFree ? OPEN : SATURATED;
    }
    this.#heed(word, nowMs);
    const isProbing = nowMs - this.#probeBeganAtMs < PROBE_ANSWER_MS_MAX;
    return isProbing || nowMs < this.#probeDueAtMs ? DOWN : OPEN;
  }

  /** A POST or a lookup begins. Returns the number of the probe it is, or NO_PROBE. */
  began(isPost: boolean, nowMs: number): number {
    this.#inFlightCount++;
    if (this.#inFlightCount >= this.#limit.current) this.#fullAtMs = nowMs;
    if (!isPost || !this.#isDown) return NO_PROBE;
    this.#probeBeganAtMs = nowMs;
    this.#probe = this.#probe === PROBE_MAX ? 1 : this.#probe + 1;
    return this.#probe;
  }

  /** A request has ended that says nothing of the processor's way with payments: a lookup, or one that no longer matters. */
  answerDropped(probe: number): void {
    this.#inFlightCount--;
    this.#endProbe(probe);
  }

  /** A POST begun at `beganAtMs` has ended. */
  postEnded(outcome: number, beganAtMs: number, nowMs: number, probe: number): void {
    const inFlightCount = this.#inFlightCount--;
    const wasProbe = this.#endProbe(probe);
    if (outcome === CHARGED || outcome === ALREADY_CHARGED) {
      this.#succeeded(inFlightCount, beganAtMs);
    } else if (outcome === OVERLOADED) {
      this.#limit.overloaded(beganAtMs, nowMs);
      this.#pausedUntilMs = nowMs + PAUSE_MS;
      if (wasProbe) this.#probeFailed(nowMs);
    } else if (outcome !== REJECTED) {
      this.#failed(outcome, beganAtMs, nowMs, wasProbe);
    }
  }

  /** Whether this was the probe whose answer is waited for; a later one may have taken its place. */
  #endProbe(probe: number): boolean {
    const isCurrent = this.#isDown && probe !== NO_PROBE && probe === this.#probe;
    if (isCurrent) this.#probeBeganAtMs = Number.NEGATIVE_INFINITY;
    return isCurrent;
  }

  #succeeded(inFlightCount: number, beganAtMs: number): void {
    this.#lossCount = 0;
    if (beganAtMs > this.#successBeganAtMs) this.#successBeganAtMs = beganAtMs;
    if (!this.#isDown) {
      // The answers of a round may come together: what counts is whether the limit was used up since the attempt began.
      this.#limit.succeeded(beganAtMs <= this.#fullAtMs ? this.#limit.current : inFlightCount);
    } else if (beganAtMs >= this.#downSinceMs) {
      this.#isDown = false;
      this.#health.feltUp(this.#processor);
    }
  }

  #failed(outcome: number, beganAtMs: number, nowMs: number, wasProbe: boolean): void {
    if (this.#isDown) {
      if (wasProbe) this.#probeFailed(nowMs);
      return;
    }
    if (beganAtMs < this.#successBeganAtMs) return;
    if (outcome === RESET && ++this.#lossCount < LOSSES_TO_TRIP) return;
    this.#trip(nowMs);
  }

  #trip(nowMs: number): void {
    this.#isDown = true;
    this.#downSinceMs = nowMs;
    this.#lossCount = 0;
    this.#probeIntervalMs = PROBE_INTERVAL_MS_MIN;
    this.#probeDueAtMs = nowMs + PROBE_INTERVAL_MS_MIN;
    this.#probeBeganAtMs = Number.NEGATIVE_INFINITY;
    this.#seenStamp = pollStamp(this.#health.read(this.#processor));
    this.#limit.restart();
    this.#health.feltDown(this.#processor);
  }

  #probeFailed(nowMs: number): void {
    this.#probeIntervalMs = Math.min(this.#probeIntervalMs * 2, PROBE_INTERVAL_MS_MAX);
    this.#probeDueAtMs = nowMs + this.#probeIntervalMs;
  }

  /** News from the polls while the processor is not up. */
  #heed(word: number, nowMs: number): void {
    // A poll alone never brings a processor back: it takes a payment's success, so the poll's news is made felt as well.
    if (!this.#isDown || !isFeltDown(word)) this.#trip(nowMs);
    if (pollStamp(word) === this.#seenStamp) return;
    this.#seenStamp = pollStamp(word);
    if (!isPolledFailing(word)) this.#probeDueAtMs = nowMs;
  }
}
