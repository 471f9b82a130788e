import type { PollReport, PollResult } from "../meters/poll-report.ts";
import type { Time, Timer } from "../system/time.ts";
import type { HealthEndpoint } from "./health-endpoint.ts";
import type { ClaimAnswer, HealthLink } from "./health-link.ts";
import type { PollRights } from "./poll-rights.ts";

const RETRY_MS = 200;
const LOOK_INTERVAL_MS = 100;
/**
 * An instance that listens but says nothing for this long (stopped, wedged) no longer keeps the others from polling.
 */
const SILENCE_MS_MAX = 30_000;

export type PollerParts = {
  processor: number;
  /** This instance's number. */
  self: number;
  endpoint: Pick<HealthEndpoint, "ask" | "close">;
  rights: PollRights;
  /** The ways to the other instances, in their order. */
  peers: readonly HealthLink[];
  time: Time;
  onPolled: (result: PollResult) => void;
  onReport?: ((report: PollReport) => void) | undefined;
};

/** Polls one processor's health endpoint whenever it has the right to, and tells the result. */
export class Poller {
  readonly #parts: PollerParts;
  readonly #silentSinceMs: (number | undefined)[];
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: PollerParts) {
    this.#parts = parts;
    this.#silentSinceMs = parts.peers.map(() => undefined);
    this.#lookAgain();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#parts.endpoint.close();
  }

  /** Another instance has said something: it is there, however silent it was before. */
  heardFrom(instance: number): void {
    this.#silentSinceMs[instance < this.#parts.self ? instance : instance - 1] = undefined;
  }

  #lookAgain(): void {
    if (this.#isClosed) return;
    const look = () => void this.#look().then(() => this.#lookAgain());
    this.#timer = this.#parts.time.after(LOOK_INTERVAL_MS, look);
  }

  get #nowMs(): number {
    return this.#parts.time.monotonicMs();
  }

  async #look(): Promise<void> {
    const { rights, peers, processor, self } = this.#parts;
    const claimedAtMs = this.#nowMs;
    if (!rights.claim(claimedAtMs)) return;
    const isFresh = rights.isFresh(claimedAtMs);
    const answers = await Promise.all(peers.map((peer) => peer.claim(processor, self, isFresh)));
    const isAgreed = answers.every((answer, i) => this.#isNoObjection(i, answer));
    if (rights.mayPoll(claimedAtMs, this.#nowMs, isAgreed) && !this.#isClosed) return this.#poll();
    rights.abandon(this.#nowMs + RETRY_MS);
    // Who was silent may have consented too late to be heard.
    const holders = peers.filter((_, i) => answers[i] === "consent" || answers[i] === "silence");
    await Promise.all(holders.map((peer) => peer.release(processor, self)));
  }

  #isNoObjection(peer: number, answer: ClaimAnswer): boolean {
    const nowMs = this.#nowMs;
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
    const { endpoint, rights, peers, processor, time, onPolled, onReport } = this.#parts;
    const beganAtMs = time.wallMs();
    const begunMs = this.#nowMs;
    const answer = await endpoint.ask();
    const tookMs = this.#nowMs - begunMs;
    rights.polled(this.#nowMs);
    onReport?.({ ...answer, processor, beganAtMs, endedAtMs: beganAtMs + tookMs });
    const { result } = answer;
    if (result === undefined || this.#isClosed) return;
    onPolled(result);
    const responseMs = Math.round(result.minResponseMs);
    await Promise.all(peers.map((peer) => peer.polled(processor, result.failing, responseMs)));
  }
}
