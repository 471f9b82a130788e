/**
 * Who may poll a processor's health endpoint, and when: at most one call per 5 s from all instances together, without a
 * central place. It is Ricart and Agrawala's idea (1981), a poll needing every other instance's consent, with times
 * instead of queues. One PollRights per processor and instance; all times are this machine's monotonic milliseconds.
 *
 *   claim ──► every other instance consents, or is gone ──► poll ──► answered: told to all, and nobody polls for 5 s
 *         └─► one refuses ──► release those who consented, try again later
 *
 * - Whoever consents to a claim refuses others until the claimed poll must be over (CLAIMED_MS), unless it is told
 *   more.
 * - Of two claims at once the lower instance's wins.
 * - The instance that polled last goes on; the others try only when it has been silent for a while, lower numbers
 *   first.
 * - An instance that has just started knows of no poll its earlier life may have made: for FRESH_MS it makes none, and
 *   refuses claims of instances as fresh as itself; an older one would have been asked, so it knows.
 */
export const POLL_INTERVAL_MS = 5000;
/** A claim that was not consented to by then is dropped, so a consenter knows when the poll must have left. */
export const CLAIM_VALID_MS = 500;
/** How long the others' answers to a claim are waited for: shorter, so that silence leaves time to poll. */
export const CLAIM_ANSWER_MS = 300;
const MARGIN_MS = 1500;
const CLAIMED_MS = CLAIM_VALID_MS + POLL_INTERVAL_MS + MARGIN_MS;
export const FRESH_MS = POLL_INTERVAL_MS + MARGIN_MS;
/**
 * The one that polled last begins this long after the interval: the others learned of its answer a moment later than
 * it.
 */
const OWN_DELAY_MS = 50;
/** What each further instance waits beyond the interval before it takes over. */
const TAKEOVER_STEP_MS = 1000;
const NOBODY = -1;
/** Longer than a poll takes at most, and shorter than the others wait for an instance that is silent (poller.ts). */
const STOPPED_MS = 20_000;

export class PollRights {
  readonly #self: number;
  /** Of this life, or since it was stopped for long. */
  #knowingSinceMs: number;
  #lookedAtMs: number;
  /** From when on a poll by anybody is in order, as far as is known here. */
  #freeFromMs: number;
  /** To whose claim consent was given last, and what held before: restored when that claim is released. */
  #consentedTo = NOBODY;
  #freeBeforeConsentMs: number;
  #isLastPoller = false;
  #isClaiming = false;
  #isPolling = false;
  #hasYielded = false;

  constructor(self: number, nowMs: number) {
    this.#self = self;
    this.#knowingSinceMs = nowMs;
    this.#lookedAtMs = nowMs;
    this.#freeFromMs = nowMs + FRESH_MS;
    this.#freeBeforeConsentMs = this.#freeFromMs;
  }

  isFresh(nowMs: number): boolean {
    this.#look(nowMs);
    return nowMs - this.#knowingSinceMs < FRESH_MS;
  }

  /** When this instance should try for a poll of its own. */
  get tryFromMs(): number {
    return this.#freeFromMs + (this.#isLastPoller ? OWN_DELAY_MS : TAKEOVER_STEP_MS * (this.#self + 1));
  }

  /** Begins a claim; false when it is too early. To be called every tenth of a second or so. */
  claim(nowMs: number): boolean {
    this.#look(nowMs);
    if (this.#isClaiming || this.#isPolling || nowMs < this.tryFromMs) return false;
    this.#isClaiming = true;
    this.#hasYielded = false;
    return true;
  }

  /** All others have answered; true when the poll may leave now. `claimedAtMs` is when the claim was begun. */
  mayPoll(claimedAtMs: number, nowMs: number, isAgreed: boolean): boolean {
    this.#look(nowMs);
    const may = isAgreed && this.#isClaiming && !this.#hasYielded && nowMs - claimedAtMs < CLAIM_VALID_MS;
    this.#isClaiming = false;
    this.#isPolling = may;
    return may;
  }

  /**
   * A process that was stopped for long may have missed that the others went on without it: it knows as little as a new
   * one.
   */
  #look(nowMs: number): void {
    if (nowMs - this.#lookedAtMs > STOPPED_MS) {
      this.#knowingSinceMs = nowMs;
      this.#isClaiming = false;
      this.#freeFromMs = Math.max(this.#freeFromMs, nowMs + FRESH_MS);
    }
    this.#lookedAtMs = nowMs;
  }

  /** The claim came to nothing; try again no earlier than `retryAtMs`. */
  abandon(retryAtMs: number): void {
    this.#isClaiming = false;
    this.#freeFromMs = Math.max(this.#freeFromMs, retryAtMs);
  }

  /** The own poll has ended, answered or given up. */
  polled(nowMs: number): void {
    this.#isPolling = false;
    this.#isLastPoller = true;
    this.#consentedTo = NOBODY;
    this.#freeFromMs = nowMs + POLL_INTERVAL_MS;
  }

  /** Another instance asks; true is consent. */
  consent(claimant: number, claimantIsFresh: boolean, nowMs: number): boolean {
    this.#look(nowMs);
    if (this.#isPolling) return false;
    if (this.#isClaiming && this.#self < claimant) return false;
    const isTooEarly = nowMs < this.#freeFromMs;
    if (isTooEarly && (claimantIsFresh || !this.isFresh(nowMs))) return false;
    this.#hasYielded = this.#isClaiming;
    this.#isLastPoller = false;
    this.#consentedTo = claimant;
    this.#freeBeforeConsentMs = this.#freeFromMs;
    this.#freeFromMs = nowMs + CLAIMED_MS;
    return true;
  }

  /** That instance has dropped its claim, which may have had consent here, or not. */
  released(claimant: number): void {
    if (this.#consentedTo !== claimant) return;
    this.#consentedTo = NOBODY;
    this.#freeFromMs = this.#freeBeforeConsentMs;
  }

  /** Another instance's poll was answered just now. */
  otherPolled(nowMs: number): void {
    this.#isLastPoller = false;
    this.#consentedTo = NOBODY;
    this.#freeFromMs = nowMs + POLL_INTERVAL_MS;
  }
}
