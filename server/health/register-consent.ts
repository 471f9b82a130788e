import { randomBytes } from "node:crypto";
import type { PollResult } from "../meters/poll-report.ts";
import type { Time, Timer } from "../system/time.ts";
import type { HealthLinkHandlers } from "./health-link.ts";
import type { OnHeard, PollConsent } from "./poll-consent.ts";
import { NEWS_MS_MAX, type OpenRegister, type PollNews } from "./poll-register.ts";
import { CLAIM_ANSWER_MS, CLAIM_VALID_MS, POLL_INTERVAL_MS } from "./poll-rights.ts";
import { RegisterLine } from "./register-line.ts";

/** From a poll's leaving to its arrival at the processor, at most; a call that is slower may come too early. */
const ARRIVAL_MS_MAX = 1500;
/** How long the right is taken for: if nothing more is heard of the poll, it has arrived 5 s before. */
export const RIGHT_MS = CLAIM_VALID_MS + ARRIVAL_MS_MAX + POLL_INTERVAL_MS;
/** While a poll is out, its right is taken for RIGHT_MS again and again: the processor may hold the call. */
const RENEW_MS = 2000;
/** So that the right has ended at the register when it is asked for. */
const LATER_MS = 50;
/** After a refusal: somebody else's poll is under way. */
const RETRY_MS = 500;
/** Longest wait for the others to be told. */
const TELL_MS_MAX = 1000;

export type RegisterConsentParts = {
  open: OpenRegister;
  processorCount: number;
  time: Time;
  onHeard: OnHeard;
  /** The register is there (undefined), or cannot be had for this reason; told when that changes. */
  onStanding?: ((reason: string | undefined) => void) | undefined;
};

/** What is known of one processor. Times are monotonic. */
type Share = {
  /** Not to be asked for before, because a poll was answered less than 5 s ago. */
  freeFromMs: number;
  /** An answer that came too late may still give the right, which then has to be given back first. */
  isAsking: boolean;
  /** Under which the right is had, while a poll is out. */
  token: string | undefined;
  /** Of the latest poll that is known, and when it ended. */
  newsToken: string | undefined;
  newsAtMs: number;
  renewal: Timer | undefined;
};

/**
 * The right to poll by a register that several deployments may share.
 *
 *   take for 7 s ──► had within 0.5 s ──► poll, taking the right again while it lasts ──► answered: all are told, and
 *            └─► refused, late, unknown ──► given back, try again later                    the right ends 5 s later
 *
 * - Without a connection nobody polls, and for RIGHT_MS after every new one: a register that was killed, emptied by its
 *   restart, or replaced by a copy that lags behind does not know who polled last. Whatever it allowed then has arrived
 *   5 s before.
 * - A right of unknown fate ends by itself. One that comes too late to be used is given back.
 * - Whoever hears of a poll does not ask for 5 s, whatever becomes of the register.
 */
export class RegisterConsent implements PollConsent {
  readonly #time: Time;
  readonly #onHeard: OnHeard;
  readonly #onStanding: ((reason: string | undefined) => void) | undefined;
  readonly #line: RegisterLine;
  readonly #shares: readonly Share[];
  /** From when on the register can be relied on. */
  #soundFromMs = Number.POSITIVE_INFINITY;
  #standing: "unknown" | "there" | "gone" = "unknown";
  #isClosed = false;

  constructor({ open, processorCount, time, onHeard, onStanding }: RegisterConsentParts) {
    this.#time = time;
    this.#onHeard = onHeard;
    this.#onStanding = onStanding;
    this.#shares = Array.from({ length: processorCount }, () => ({
      freeFromMs: Number.NEGATIVE_INFINITY,
      isAsking: false,
      token: undefined,
      newsToken: undefined,
      newsAtMs: Number.NEGATIVE_INFINITY,
      renewal: undefined,
    }));
    this.#line = new RegisterLine({
      open,
      time,
      onTold: (processor, news) => this.#told(processor, news),
      onConnected: () => this.#connected(),
      onLost: (reason) => this.#lost(reason),
    });
  }

  async ask(processor: number): Promise<boolean> {
    const share = this.#shares[processor]!;
    const askedAtMs = this.#nowMs;
    if (this.#isClosed || share.isAsking || askedAtMs < Math.max(share.freeFromMs, this.#soundFromMs)) return false;
    share.isAsking = true;
    const token = randomBytes(8).toString("hex");
    const taking = this.#line.run((register) => register.take(processor, token, RIGHT_MS));
    const isTaken = await this.#within(CLAIM_ANSWER_MS, taking);
    const nowMs = this.#nowMs;
    const isInTime = nowMs - askedAtMs < CLAIM_VALID_MS && nowMs >= this.#soundFromMs;
    if (isTaken === true && isInTime && !this.#isClosed) {
      share.isAsking = false;
      share.token = token;
      this.#renewLater(processor, share, token);
      return true;
    }
    share.freeFromMs = Math.max(share.freeFromMs, nowMs + RETRY_MS);
    void this.#giveBack(processor, token, taking).then(() => {
      share.isAsking = false;
    });
    return false;
  }

  async ended(processor: number, result: PollResult | undefined): Promise<void> {
    const share = this.#shares[processor]!;
    const token = share.token!;
    share.renewal?.cancel();
    share.token = undefined;
    share.newsToken = token;
    share.newsAtMs = this.#nowMs;
    share.freeFromMs = share.newsAtMs + POLL_INTERVAL_MS + LATER_MS;
    if (this.#isClosed) return;
    const telling = this.#line.run((register) => register.keep(processor, token, POLL_INTERVAL_MS, result));
    await this.#within(TELL_MS_MAX, telling);
  }

  close(): void {
    this.#isClosed = true;
    for (const { renewal } of this.#shares) renewal?.cancel();
    this.#line.close();
  }

  get #nowMs(): number {
    return this.#time.monotonicMs();
  }

  /** What it resolves to, or undefined when that takes longer. */
  #within<T>(timeoutMs: number, promise: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = this.#time.after(timeoutMs, () => resolve(undefined));
      void promise.then((value) => {
        timer.cancel();
        resolve(value);
      });
    });
  }

  /** Settles once a take that was not used has had its answer, and the right is free again if that was yes. */
  async #giveBack(processor: number, token: string, taking: Promise<boolean | undefined>): Promise<void> {
    if (await taking) await this.#line.run((register) => register.keep(processor, token, 0));
  }

  #renewLater(processor: number, share: Share, token: string): void {
    share.renewal = this.#time.after(RENEW_MS, () => {
      const renewing = this.#line.run((register) => register.keep(processor, token, RIGHT_MS));
      void renewing.then(() => {
        if (share.token === token && !this.#isClosed) this.#renewLater(processor, share, token);
      });
    });
  }

  #told(processor: number, { token, result, ageMs }: PollNews): void {
    const share = this.#shares[processor]!;
    const atMs = this.#nowMs - ageMs;
    // What was asked for before the own poll ended may come after it. Two polls are much further apart.
    const isKnown = token === share.newsToken || atMs < share.newsAtMs + POLL_INTERVAL_MS / 2;
    if (isKnown || ageMs > NEWS_MS_MAX) return;
    share.newsToken = token;
    share.newsAtMs = atMs;
    share.freeFromMs = Math.max(share.freeFromMs, atMs + POLL_INTERVAL_MS + LATER_MS);
    this.#onHeard(processor, result, ageMs);
  }

  #connected(): void {
    this.#soundFromMs = this.#nowMs + RIGHT_MS;
    if (this.#standing === "gone") this.#onStanding?.(undefined);
    this.#standing = "there";
  }

  #lost(reason: string): void {
    this.#soundFromMs = Number.POSITIVE_INFINITY;
    if (this.#standing !== "gone") this.#onStanding?.(reason);
    this.#standing = "gone";
  }
}

/**
 * What an instance that asks a register says to one that still asks its peers, while they are restarted with another
 * setting: no.
 */
export const NO_PEER_CONSENT: HealthLinkHandlers = {
  claim: () => false,
  released: () => {},
  polled: () => {},
};
