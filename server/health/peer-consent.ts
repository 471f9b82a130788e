import type { PollResult } from "../meters/poll-report.ts";
import type { Clocks } from "../system/time.ts";
import type { ClaimAnswer, HealthLink, HealthLinkHandlers } from "./health-link.ts";
import type { OnHeard, PollConsent } from "./poll-consent.ts";
import { PollRights } from "./poll-rights.ts";

const RETRY_MS = 200;
/**
 * An instance that listens but says nothing for this long (stopped, wedged) no longer keeps the others from polling.
 */
const SILENCE_MS_MAX = 30_000;

export type PeerConsentParts = {
  /** This instance's number. */
  self: number;
  processorCount: number;
  /** The ways to the other instances, in their order. */
  peers: readonly HealthLink[];
  time: Clocks;
  onHeard: OnHeard;
};

/** What is known of one processor: the right to poll it, and which peers have been silent since when. */
type Share = { rights: PollRights; silentSinceMs: (number | undefined)[] };

/** The consent of all other instances of the deployment, asked over their link: see PollRights. */
export class PeerConsent implements PollConsent, HealthLinkHandlers {
  readonly #self: number;
  readonly #peers: readonly HealthLink[];
  readonly #time: Clocks;
  readonly #onHeard: OnHeard;
  readonly #shares: readonly Share[];
  #isClosed = false;

  constructor({ self, processorCount, peers, time, onHeard }: PeerConsentParts) {
    this.#self = self;
    this.#peers = peers;
    this.#time = time;
    this.#onHeard = onHeard;
    this.#shares = Array.from({ length: processorCount }, () => ({
      rights: new PollRights(self, time.monotonicMs()),
      silentSinceMs: peers.map(() => undefined),
    }));
  }

  async ask(processor: number): Promise<boolean> {
    const { rights, silentSinceMs } = this.#shares[processor]!;
    const claimedAtMs = this.#nowMs;
    if (!rights.claim(claimedAtMs)) return false;
    const isFresh = rights.isFresh(claimedAtMs);
    const answers = await Promise.all(this.#peers.map((peer) => peer.claim(processor, this.#self, isFresh)));
    const isAgreed = answers.every((answer, i) => this.#isNoObjection(silentSinceMs, i, answer));
    if (rights.mayPoll(claimedAtMs, this.#nowMs, isAgreed) && !this.#isClosed) return true;
    rights.abandon(this.#nowMs + RETRY_MS);
    // Who was silent may have consented too late to be heard.
    const holders = this.#peers.filter((_, i) => answers[i] === "consent" || answers[i] === "silence");
    await Promise.all(holders.map((peer) => peer.release(processor, this.#self)));
    return false;
  }

  async ended(processor: number, result: PollResult | undefined): Promise<void> {
    this.#shares[processor]!.rights.polled(this.#nowMs);
    if (result === undefined || this.#isClosed) return;
    const responseMs = Math.round(result.minResponseMs);
    await Promise.all(this.#peers.map((peer) => peer.polled(processor, result.failing, responseMs)));
  }

  close(): void {
    this.#isClosed = true;
  }

  claim(processor: number, from: number, fromIsFresh: boolean): boolean {
    // It is there, however silent it was before.
    for (const { silentSinceMs } of this.#shares) silentSinceMs[from < this.#self ? from : from - 1] = undefined;
    return this.#shares[processor]!.rights.consent(from, fromIsFresh, this.#nowMs);
  }

  released(processor: number, from: number): void {
    this.#shares[processor]!.rights.released(from);
  }

  polled(processor: number, failing: boolean, minResponseMs: number): void {
    this.#shares[processor]!.rights.otherPolled(this.#nowMs);
    this.#onHeard(processor, { failing, minResponseMs }, 0);
  }

  get #nowMs(): number {
    return this.#time.monotonicMs();
  }

  #isNoObjection(silentSinceMs: (number | undefined)[], peer: number, answer: ClaimAnswer): boolean {
    const nowMs = this.#nowMs;
    if (answer !== "silence") {
      silentSinceMs[peer] = undefined;
      return answer !== "refusal";
    }
    // Counted from the first claim that met with silence: before that nobody knows.
    const sinceMs = silentSinceMs[peer] ?? nowMs;
    silentSinceMs[peer] = sinceMs;
    return nowMs - sinceMs > SILENCE_MS_MAX;
  }
}
