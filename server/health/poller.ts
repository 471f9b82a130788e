import type { PollReport, PollResult } from "../meters/poll-report.ts";
import type { Time, Timer } from "../system/time.ts";
import type { HealthEndpoint } from "./health-endpoint.ts";
import type { PollConsent } from "./poll-consent.ts";

const LOOK_INTERVAL_MS = 100;

export type PollerParts = {
  processor: number;
  endpoint: Pick<HealthEndpoint, "ask" | "close">;
  consent: Pick<PollConsent, "ask" | "ended">;
  time: Time;
  onPolled: (result: PollResult) => void;
  onReport?: ((report: PollReport) => void) | undefined;
};

/** Polls one processor's health endpoint whenever it has the right to, and tells the result. */
export class Poller {
  readonly #parts: PollerParts;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: PollerParts) {
    this.#parts = parts;
    this.#lookAgain();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#parts.endpoint.close();
  }

  #lookAgain(): void {
    if (this.#isClosed) return;
    const look = () => void this.#look().then(() => this.#lookAgain());
    this.#timer = this.#parts.time.after(LOOK_INTERVAL_MS, look);
  }

  async #look(): Promise<void> {
    const { consent, processor } = this.#parts;
    const mayPoll = await consent.ask(processor);
    if (mayPoll && !this.#isClosed) await this.#poll();
  }

  async #poll(): Promise<void> {
    const { endpoint, consent, processor, time, onPolled, onReport } = this.#parts;
    const beganAtMs = time.wallMs();
    const begunMs = time.monotonicMs();
    const answer = await endpoint.ask();
    const tookMs = time.monotonicMs() - begunMs;
    const { result } = answer;
    const telling = consent.ended(processor, result);
    onReport?.({ ...answer, processor, beganAtMs, endedAtMs: beganAtMs + tookMs });
    if (result !== undefined && !this.#isClosed) onPolled(result);
    await telling;
  }
}
