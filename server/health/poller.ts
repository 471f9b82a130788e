import type { HealthAnswer, HealthEndpoint, PollResult } from "./health-endpoint.ts";
import type { ClaimAnswer, HealthLinkClient } from "./health-link.ts";
import type { PollRights } from "./poll-rights.ts";

const RETRY_MS = 200;
const LOOK_INTERVAL_MS = 100;
/** An instance that listens but says nothing for this long (stopped, wedged) no longer keeps the others from polling. */
const SILENCE_MS_MAX = 30_000;

/** One call of a health endpoint, for whoever traces it. Times in milliseconds since the epoch, with fractions. */
export type PollReport = HealthAnswer & { processor: number; beganAtMs: number; endedAtMs: number };

/** Polls one processor's health endpoint whenever it has the right to, and tells the result. */
export class Poller {
  readonly #processor: number;
  readonly #self: number;
  readonly #endpoint: HealthEndpoint;
  readonly #rights: PollRights;
  readonly #peers: readonly HealthLinkClient[];
  readonly #onPolled: (result: PollResult) => void;
  readonly #onReport: ((report: PollReport) => void) | undefined;
  readonly #silentSinceMs: (number | undefined)[];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    processor: number,
    self: number,
    endpoint: HealthEndpoint,
    rights: PollRights,
    peers: readonly HealthLinkClient[],
    onPolled: (result: PollResult) => void,
    onReport?: (report: PollReport) => void,
  ) {
    this.#processor = processor;
    this.#self = self;
    this.#endpoint = endpoint;
    this.#rights = rights;
    this.#peers = peers;
    this.#onPolled = onPolled;
    this.#onReport = onReport;
    this.#silentSinceMs = peers.map(() => undefined);
    this.#lookAgain();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#endpoint.close();
  }

  #lookAgain(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#look().then(() => this.#lookAgain()), LOOK_INTERVAL_MS);
  }

  async #look(): Promise<void> {
    const claimedAtMs = performance.now();
    if (!this.#rights.claim(claimedAtMs)) return;
    const isFresh = this.#rights.isFresh(claimedAtMs);
    const answers = await Promise.all(this.#peers.map((peer) => peer.claim(this.#processor, this.#self, isFresh)));
    const isAgreed = answers.every((answer, i) => this.#isNoObjection(i, answer));
    if (this.#rights.mayPoll(claimedAtMs, performance.now(), isAgreed) && !this.#isClosed) return this.#poll();
    this.#rights.abandon(performance.now() + RETRY_MS);
    // Who was silent may have consented too late to be heard.
    const holders = this.#peers.filter((_, i) => answers[i] === "consent" || answers[i] === "silence");
    await Promise.all(holders.map((peer) => peer.release(this.#processor, this.#self)));
  }

  #isNoObjection(peer: number, answer: ClaimAnswer): boolean {
    const nowMs = performance.now();
    if (answer !== "silence") {
      this.#silentSinceMs[peer] = undefined;
      return answer !== "refusal";
    }
    // Counted from the first claim that met with silence: before that nobody knows.
    const sinceMs = this.#silentSinceMs[peer] ?? nowMs;
    this.#silentSinceMs[peer] = sinceMs;
    return nowMs - sinceMs > SILENCE_MS_MAX;
  }

  async #poll(): Promise<void> {
    const beganAtMs = epochMs();
    const answer = await this.#endpoint.ask();
    this.#rights.polled(performance.now());
    this.#onReport?.({ ...answer, processor: this.#processor, beganAtMs, endedAtMs: epochMs() });
    const { result } = answer;
    if (result === undefined || this.#isClosed) return;
    this.#onPolled(result);
    const responseMs = Math.round(result.minResponseMs);
    await Promise.all(this.#peers.map((peer) => peer.polled(this.#processor, result.failing, responseMs)));
  }
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
