import type { Logger } from "pino";
import { type Address, formatAddress } from "../system/address.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import { Pool } from "../system/undici.ts";
import { connectOptions, originOf } from "./link-address.ts";
import { LINK_HEALTH, type PeerAnswer } from "./peer-answers.ts";
import { Places } from "./places.ts";

/** Calls under way or waiting for a connection, per peer; one more fails at once. */
const CALLS_MAX = 1024;
/** Between two questions to a peer that is silent. */
const PROBE_INTERVAL_MS = 1000;
/** Far beyond any answer of an instance: whoever says more is none. */
const ANSWER_BYTES_MAX = 1 << 20;

export type PeerCall = {
  method: "GET" | "POST";
  path: string;
  body?: Uint8Array;
  /** By name and value in turn. */
  headers?: string[];
  /** Shorter than the line's own. */
  timeoutMs?: number | undefined;
};

export type PeerLineOptions = { connectionsMax: number; timeoutMs: number; names: NameLookup };

type Late = "late" | "late and unsent";

/** Nothing has left for the peer; or something may have, and no answer has come. */
export type NoAnswer = "unsent" | "unanswered";

/**
 * The way to one other instance. Every call has one deadline, waiting for a connection included, and later calls learn
 * from it:
 *
 *             no answer to a call within timeoutMs, nor to any other since it began
 *   talking ────────────────────────────────────────────────────────────────────────► silent: calls fail at once
 *      ▲                                                                                │
 *      └─────────── GET /2/health, asked every second, is answered or refused ──────────┘
 *
 * A peer that is down is not silent: its address refuses at once.
 */
export class PeerLine {
  readonly #pool: Pool;
  /**
   * One for every connection, so that undici never has a call waiting: it would make a connection for each that was
   * given up.
   */
  readonly #places: Places;
  readonly #address: Address;
  readonly #timeoutMs: number;
  readonly #logger: Logger;
  #callCount = 0;
  #answeredAtMs = 0;
  #isSilent = false;
  #isClosed = false;
  #probeTimer: NodeJS.Timeout | undefined;

  constructor(address: Address, { connectionsMax, timeoutMs, names }: PeerLineOptions, logger: Logger) {
    this.#pool = openPool(address, connectionsMax, timeoutMs, names);
    this.#places = new Places(connectionsMax);
    this.#address = address;
    this.#timeoutMs = timeoutMs;
    this.#logger = logger;
  }

  /** Never rejects; settles within the timeout. */
  async call(call: PeerCall): Promise<PeerAnswer | NoAnswer> {
    if (this.#isSilent || this.#isClosed || this.#callCount >= CALLS_MAX) return "unsent";
    const timeoutMs = Math.min(call.timeoutMs ?? this.#timeoutMs, this.#timeoutMs);
    const beganAtMs = performance.now();
    this.#callCount++;
    const answer = await this.#exchange(call, timeoutMs);
    this.#callCount--;
    if (!isLate(answer)) return answer;
    if (timeoutMs === this.#timeoutMs && this.#answeredAtMs < beganAtMs) this.#fellSilent();
    return answer === "late" ? "unanswered" : "unsent";
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#probeTimer);
    this.#places.dismiss();
    await this.#pool.destroy();
  }

  /** "late": the deadline came first, before anything was sent or after. */
  async #exchange(call: PeerCall, timeoutMs: number): Promise<PeerAnswer | NoAnswer | Late> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    try {
      if (!(await this.#places.take(deadline.signal))) return deadline.signal.aborted ? "late and unsent" : "unsent";
      try {
        return await this.#send(call, deadline.signal);
      } finally {
        this.#places.give();
      }
    } catch (error) {
      if (deadline.signal.aborted) return "late";
      return isBeforeSending(error as NodeJS.ErrnoException) ? "unsent" : "unanswered";
    } finally {
      clearTimeout(timer);
    }
  }

  async #send({ method, path, body, headers }: PeerCall, signal: AbortSignal): Promise<PeerAnswer> {
    const options = { method, path, signal, ...(body && { body }), ...(headers && { headers }) };
    const response = await this.#pool.request(options);
    const text = await response.body.text();
    this.#answeredAtMs = performance.now();
    return {
      status: response.statusCode,
      body: text,
      location: one(response.headers["location"]),
      contentType: one(response.headers["content-type"]) ?? "",
    };
  }

  #fellSilent(): void {
    if (this.#isSilent || this.#isClosed) return;
    this.#isSilent = true;
    this.#places.dismiss();
    const address = formatAddress(this.#address);
    this.#logger.warn({ address, timeoutMs: this.#timeoutMs }, "another instance is silent: it is not waited for");
    void this.#probe();
  }

  /** Any answer ends the silence, and so does a peer that is down or hangs up: calls fail without a wait then. */
  async #probe(): Promise<void> {
    const answer = await this.#exchange({ method: "GET", path: LINK_HEALTH }, this.#timeoutMs);
    if (this.#isClosed) return;
    if (isLate(answer)) {
      this.#probeTimer = setTimeout(() => void this.#probe(), PROBE_INTERVAL_MS);
      return;
    }
    this.#isSilent = false;
    this.#logger.warn({ address: formatAddress(this.#address) }, "another instance is not silent any more");
  }
}

function isLate(answer: PeerAnswer | NoAnswer | Late): answer is Late {
  return answer === "late" || answer === "late and unsent";
}

/** The one deadline of a call replaces undici's timeouts, which begin anew with every part of an answer. */
function openPool(address: Address, connections: number, timeoutMs: number, names: NameLookup): Pool {
  return new Pool(originOf(address), {
    connections,
    pipelining: 1,
    connect: connectOptions(address, names, timeoutMs),
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: ANSWER_BYTES_MAX,
  });
}

/** The connection was never made, so nothing can have been read from it. */
function isBeforeSending({ code, syscall }: NodeJS.ErrnoException): boolean {
  return syscall === "connect" || syscall === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT";
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
