import type { Engine } from "../core/engine.ts";
import { formatCents } from "../core/money.ts";
import {
  ALREADY_CHARGED,
  CHARGED,
  FAILING,
  FOREIGN,
  FOUND,
  MISCONFIGURED,
  NOT_FOUND,
  NOT_TOLD,
  OVERLOADED,
  REJECTED,
  RESET,
  TIMED_OUT,
  UNEXPECTED,
  UNREACHABLE,
} from "../core/payment.ts";
import { formatUuid, UUID_WORDS } from "../core/uuid.ts";
import type { Tracing } from "./telemetry/tracing.ts";
import { formatTimestamp, parseTimestamp } from "./timestamp.ts";
import { Pool, type Dispatcher as Undici } from "./undici.ts";

/** Called exactly once per request, never from within `post` or `lookup`. */
export type OnOutcome = (flight: number, outcome: number) => void;

const JSON_HEADERS = ["content-type", "application/json"];
const ANSWER_BYTES_MAX = 4096;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * One payment processor over kept-alive HTTP/1.1 connections, one request on each at a time. Uses undici at the level of
 * `dispatch`: no promise and no stream per request. Requests have no timer of their own either; `expire` ends the old ones.
 */
export class ProcessorClient {
  readonly #engine: Engine;
  readonly #pool: Pool;
  readonly #path: string;
  readonly #onOutcome: OnOutcome;
  readonly #tracing: Tracing | undefined;
  readonly #requests = new Map<number, Request>();

  /** There are as many connections as requests may be in flight, so that none waits inside undici with an old requestedAt. */
  constructor(url: URL, connections: number, engine: Engine, onOutcome: OnOutcome, tracing?: Tracing) {
    this.#engine = engine;
    this.#tracing = tracing;
    this.#onOutcome = onOutcome;
    this.#path = `${url.pathname.replace(/\/$/, "")}/payments`;
    this.#pool = new Pool(url.origin, {
      connections,
      pipelining: 1,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      headersTimeout: 0,
      bodyTimeout: 0,
      maxHeaderSize: 16_384,
    });
  }

  /** Sends the payment of a flight at the requestedAt the ledger has for it. */
  post(flight: number): void {
    const { rows } = this.#engine.ledger;
    const slot = this.#engine.flights.slot[flight]!;
    const id = formatUuid(rows.correlationIds, slot * UUID_WORDS);
    const amount = formatCents(rows.cents[slot]!);
    const requestedAt = formatTimestamp(rows.requestedAtMs(slot));
    const body = `{"correlationId":"${id}","amount":${amount},"requestedAt":"${requestedAt}"}`;
    const traced = this.#tracing?.payments.attemptBegan(flight);
    this.#send(new Request(flight, outcomeOfPost, this.#settled), {
      path: this.#path,
      method: "POST",
      headers: traced === undefined ? JSON_HEADERS : [...JSON_HEADERS, ...traced],
      body,
    });
  }

  /** Asks whether the payment of a flight was charged. */
  lookup(flight: number): void {
    const { rows } = this.#engine.ledger;
    const slot = this.#engine.flights.slot[flight]!;
    const requestedAtMs = rows.requestedAtMs(slot);
    const cents = rows.cents[slot]!;
    const outcomeOf = (status: number, body: string) => outcomeOfLookup(status, body, requestedAtMs, cents);
    const path = `${this.#path}/${formatUuid(rows.correlationIds, slot * UUID_WORDS)}`;
    const headers = this.#tracing?.payments.attemptBegan(flight);
    this.#send(new Request(flight, outcomeOf, this.#settled), { path, method: "GET", ...(headers && { headers }) });
  }

  /** Ends the requests of flights that began before `beganBeforeMs` as timed out. */
  expire(beganBeforeMs: number): void {
    for (const request of this.#requests.values()) {
      if (this.#engine.flights.beganAtMs[request.flight]! < beganBeforeMs) request.timeOut();
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #send(request: Request, options: Undici.DispatchOptions): void {
    this.#requests.set(request.flight, request);
    this.#pool.dispatch(options, request);
  }

  readonly #settled = (request: Request, outcome: number): void => {
    this.#requests.delete(request.flight);
    this.#tracing?.payments.attemptEnded(request.flight, outcome, request.status, request.error);
    this.#onOutcome(request.flight, outcome);
  };
}

/**
 * undici's handler of one request.
 *
 *   onRequestStart ── the first byte is about to leave: from here on, an error leaves it unknown whether the payment is charged
 *   onResponseStart, onResponseData*, onResponseEnd │ onResponseError
 */
class Request implements Undici.DispatchHandler {
  readonly flight: number;
  readonly #outcomeOf: (status: number, body: string) => number;
  readonly #settled: (request: Request, outcome: number) => void;
  #controller: Undici.DispatchController | undefined;
  #isTimedOut = false;
  #isSettled = false;
  /** 0 until there is an answer. */
  status = 0;
  /** Why there was no whole answer. */
  error: Error | undefined;
  #body = "";

  constructor(
    flight: number,
    outcomeOf: (status: number, body: string) => number,
    settled: (request: Request, outcome: number) => void,
  ) {
    this.flight = flight;
    this.#outcomeOf = outcomeOf;
    this.#settled = settled;
  }

  /** Gives up waiting. A request that has not begun yet never will. */
  timeOut(): void {
    this.#isTimedOut = true;
    if (this.#controller) this.#controller.abort(new Error("no answer in time"));
    else this.#settle(UNREACHABLE);
  }

  onRequestStart(controller: Undici.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(new Error("too late to begin"));
  }

  onResponseStart(_controller: Undici.DispatchController, status: number): void {
    this.status = status;
  }

  onResponseData(controller: Undici.DispatchController, chunk: Buffer): void {
    this.#body += chunk.toString("latin1");
    if (this.#body.length > ANSWER_BYTES_MAX) controller.abort(new Error("an answer is short"));
  }

  onResponseEnd(): void {
    this.#settle(this.#outcomeOf(this.status, this.#body));
  }

  onResponseError(_controller: Undici.DispatchController, error: Error): void {
    this.error = error;
    if (!this.#controller) this.#settle(UNREACHABLE);
    else this.#settle(this.#isTimedOut ? TIMED_OUT : RESET);
  }

  #settle(outcome: number): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#settled(this, outcome);
  }
}

function outcomeOfPost(status: number, body: string): number {
  if (status === 200) return hasMessage(body) ? CHARGED : UNEXPECTED;
  if (status === 422) return ALREADY_CHARGED;
  if (status === 500) return FAILING;
  if (status === 429) return OVERLOADED;
  if (status === 408) return TIMED_OUT;
  if (status === 400 || status === 413 || status === 415) return REJECTED;
  return status >= 400 && status < 500 ? MISCONFIGURED : UNEXPECTED;
}

function outcomeOfLookup(status: number, body: string, requestedAtMs: number, cents: number): number {
  if (status === 404) return NOT_FOUND;
  const charge = status === 200 ? parseObject(body) : undefined;
  const { amount, requestedAt } = charge ?? {};
  const at = typeof requestedAt === "string" ? parseTimestamp(requestedAt) : undefined;
  if (typeof amount !== "number" || !at) return NOT_TOLD;
  return at.ms === requestedAtMs && Math.round(amount * 100) === cents ? FOUND : FOREIGN;
}

/** A processor says `{"message":"…"}`; a 200 without it is somebody else's. */
function hasMessage(body: string): boolean {
  return typeof parseObject(body)?.["message"] === "string";
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
