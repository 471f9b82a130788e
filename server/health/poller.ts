import { Agent, get } from "node:http";
import type { ClaimAnswer, HealthLinkClient } from "./health-link.ts";
import type { PollRights } from "./poll-rights.ts";

/** The endpoint may hold an early call for a window or two. */
const POLL_TIMEOUT_MS = 11_000;
const RETRY_MS = 200;
const LOOK_INTERVAL_MS = 100;
/** An instance that listens but says nothing for this long (stopped, wedged) no longer keeps the others from polling. */
const SILENCE_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 4096;

export type PollResult = { failing: boolean; minResponseMs: number };

/** One call of a health endpoint, for whoever traces it. Times in milliseconds since the epoch, with fractions. */
export type PollReport = {
  processor: number;
  beganAtMs: number;
  endedAtMs: number;
  /** 0 when there was no answer. */
  status: number;
  /** What the processor said, if that was usable. */
  result?: PollResult;
  /** Why not: a word of a small set. */
  error?: string;
};

/** Polls one processor's health endpoint whenever it has the right to, and tells the result. */
export class Poller {
  readonly #processor: number;
  readonly #self: number;
  readonly #url: URL;
  readonly #rights: PollRights;
  readonly #peers: readonly HealthLinkClient[];
  readonly #onPolled: (result: PollResult) => void;
  readonly #onReport: ((report: PollReport) => void) | undefined;
  readonly #agent = new Agent({ keepAlive: false });
  readonly #silentSinceMs: (number | undefined)[];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    processor: number,
    self: number,
    processorUrl: URL,
    rights: PollRights,
    peers: readonly HealthLinkClient[],
    onPolled: (result: PollResult) => void,
    onReport?: (report: PollReport) => void,
  ) {
    this.#processor = processor;
    this.#self = self;
    this.#url = new URL(`${processorUrl.href.replace(/\/$/, "")}/payments/service-health`);
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
    this.#agent.destroy();
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
    const { status, result, error } = await this.#ask();
    this.#rights.polled(performance.now());
    this.#onReport?.({
      processor: this.#processor,
      beganAtMs,
      endedAtMs: epochMs(),
      status,
      ...(result && { result }),
      ...(error !== undefined && { error }),
    });
    if (result === undefined || this.#isClosed) return;
    this.#onPolled(result);
    const responseMs = Math.round(result.minResponseMs);
    await Promise.all(this.#peers.map((peer) => peer.polled(this.#processor, result.failing, responseMs)));
  }

  /** What the processor says of itself, or why it gives no usable answer. */
  #ask(): Promise<{ status: number; result?: PollResult; error?: string }> {
    return new Promise((resolve) => {
      let status = 0;
      let isTimedOut = false;
      const req = get(this.#url, { agent: this.#agent, timeout: POLL_TIMEOUT_MS }, (res) => {
        status = res.statusCode ?? 0;
        let body = "";
        res.setEncoding("utf8");
        res.on("data", (chunk: string) => {
          body += chunk;
          if (body.length > ANSWER_BYTES_MAX) req.destroy();
        });
        res.on("end", () => {
          const result = status === 200 ? parseHealth(body) : undefined;
          resolve(result === undefined ? { status, error: "unusable_answer" } : { status, result });
        });
        res.on("close", () => resolve({ status, error: isTimedOut ? "timed_out" : "connection_reset" }));
      });
      req.on("timeout", () => {
        isTimedOut = true;
        req.destroy();
      });
      req.on("error", (error: NodeJS.ErrnoException) => {
        resolve({ status, error: isTimedOut ? "timed_out" : (error.code ?? "connection_reset") });
      });
    });
  }
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

function parseHealth(body: string): PollResult | undefined {
  try {
    const { failing, minResponseTime } = JSON.parse(body) as Record<string, unknown>;
    if (typeof failing !== "boolean" || typeof minResponseTime !== "number" || !(minResponseTime >= 0))
      return undefined;
    return { failing, minResponseMs: Math.min(minResponseTime, 1e6) };
  } catch {
    return undefined;
  }
}
