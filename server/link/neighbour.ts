import type { Logger } from "pino";
import type { Bulletin, Standing } from "../partition/neighbours.ts";
import type { Time, Timer } from "../system/time.ts";
import { saysTheSame } from "./bulletin-lines.ts";
import type { StreamEnd, StreamEvents } from "./bulletin-stream.ts";

/** Five heartbeats: whoever says nothing for so long is silent. */
export const SILENT_AFTER_MS = 1000;
/** From one attempt to connect to the next, doubling while it is refused. What has lasted is followed at once. */
const RECONNECT_MS = 50;
const REFUSED_RECONNECT_MS_MAX = 400;
/** The same where somebody else answers: that will not change soon. */
const STRANGE_RECONNECT_MS = 1000;
/**
 * A connection whose other end has said nothing for so long makes room for another: its machine may have gone without a
 * word and come back. Not much shorter, as each waits in the queue of a process that is stopped.
 */
const RENEW_AFTER_MS = 5000;

export type NeighbourParts = {
  /** From 0. */
  instance: number;
  /** Connects to it. */
  open: (events: StreamEvents) => { close(): void };
  time: Time;
  logger: Logger;
  /** The standing or what the bulletin says has changed. */
  onChange: () => void;
};

/**
 * One other instance, as far as its bulletins tell:
 *
 *   unknown, silent, down ── a bulletin ──► up
 *   unknown, up, down ────── neither a bulletin nor a refusal for 1 s ──► silent
 *   any ──────────────────── its address refuses ──► down, and its bulletin is gone
 */
export class Neighbour {
  standing: Standing = "unknown";
  bulletin: Bulletin | undefined;
  readonly #parts: NeighbourParts;
  #stream: { close(): void } | undefined;
  #beganAtMs = 0;
  /** Since when there has been neither a bulletin nor a refusal. */
  #quietSinceMs: number;
  #reconnectTimer: Timer | undefined;
  #silenceTimer: Timer;
  #refusedCount = 0;
  /** Somebody else answers at its address, which has been said. */
  #isStrange = false;
  #isClosed = false;

  constructor(parts: NeighbourParts) {
    this.#parts = parts;
    this.#quietSinceMs = this.#nowMs;
    this.#silenceTimer = this.#lookAfter(SILENT_AFTER_MS);
    this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    this.#reconnectTimer?.cancel();
    this.#silenceTimer.cancel();
    this.#stream?.close();
  }

  get #nowMs(): number {
    return this.#parts.time.monotonicMs();
  }

  #connect(): void {
    this.#reconnectTimer?.cancel();
    this.#stream?.close();
    this.#beganAtMs = this.#nowMs;
    this.#stream = this.#parts.open({
      onBulletin: (bulletin) => this.#heard(bulletin),
      onEnd: (end) => this.#ended(end),
    });
  }

  #heard(bulletin: Bulletin): void {
    this.#quietSinceMs = this.#nowMs;
    this.#isStrange = false;
    this.#refusedCount = 0;
    const isNews = this.bulletin === undefined || !saysTheSame(this.bulletin, bulletin);
    this.bulletin = bulletin;
    this.#stands("up", isNews);
  }

  #ended(end: StreamEnd): void {
    if (end.kind === "refused") {
      this.#quietSinceMs = this.#nowMs;
      this.#refusedCount++;
      this.bulletin = undefined;
      this.#stands("down");
    }
    if (end.kind === "strange") this.#noteStrange(end.reason);
    // The listener may have closed everything.
    if (this.#isClosed) return;
    const refusedMs = Math.min(RECONNECT_MS * 2 ** Math.max(0, this.#refusedCount - 1), REFUSED_RECONNECT_MS_MAX);
    const intervalMs = end.kind === "strange" ? STRANGE_RECONNECT_MS : refusedMs;
    const delayMs = this.#beganAtMs + intervalMs - this.#nowMs;
    if (delayMs <= 0) this.#connect();
    else this.#reconnectTimer = this.#parts.time.after(delayMs, () => this.#connect());
  }

  #stands(standing: Standing, hasNews = false): void {
    const isOther = this.standing !== standing;
    this.standing = standing;
    const { instance, logger, onChange } = this.#parts;
    if (isOther) logger.info({ neighbour: instance + 1, standing }, "another instance's standing has changed");
    if (isOther || hasNews) onChange();
  }

  #lookAfter(delayMs: number): Timer {
    const { time } = this.#parts;
    // What came in while this process itself was stopped or busy is read before the judgement.
    return time.after(delayMs, () => time.atEndOfTurn(() => this.#look()));
  }

  #look(): void {
    if (this.#isClosed) return;
    const quietMs = this.#nowMs - this.#quietSinceMs;
    this.#silenceTimer = this.#lookAfter(quietMs < SILENT_AFTER_MS ? SILENT_AFTER_MS - quietMs : SILENT_AFTER_MS);
    if (quietMs < SILENT_AFTER_MS) return;
    const isOld = this.#nowMs - Math.max(this.#beganAtMs, this.#quietSinceMs) >= RENEW_AFTER_MS;
    if (isOld) this.#connect();
    this.#stands("silent");
  }

  #noteStrange(reason: string): void {
    if (this.#isStrange) return;
    this.#isStrange = true;
    const { instance, logger } = this.#parts;
    logger.warn(
      { neighbour: instance + 1, reason },
      "what answers at another instance's link address is no such instance",
    );
  }
}
