import type { Engine } from "../../core/engine.ts";
import { formatCents } from "../../core/money.ts";
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
} from "../../core/payment.ts";
import { formatUuid, UUID_WORDS } from "../../core/uuid.ts";
import type { AttemptMeters } from "../telemetry/meters.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { formatTimestamp, parseTimestamp } from "../timestamp.ts";
import { basicAuthorization } from "../url-credentials.ts";
import { Connection, type Failure, type Receiver } from "./connection.ts";

/** Called exactly once per request, never from within `post` or `lookup`. */
export type OnOutcome = (flight: number, outcome: number) => void;

/** Below the idle limits of common servers: whoever closes first must not be the one about to be sent a payment. */
const IDLE_MS_MAX = 4000;

/**
 * One payment processor over kept-alive HTTP/1.1 connections, as many as requests are out; the engine bounds those. No promise, no
 * stream and no timer per request: `expire` ends the old ones.
 */
export class ProcessorClient {
  readonly #engine: Engine;
  readonly #meters: AttemptMeters;
  readonly #tracing: Tracing | undefined;
  readonly #onOutcome: OnOutcome;
  readonly #host: string;
  readonly #port: number;
  readonly #path: string;
  readonly #postHead: string;
  readonly #getTail: string;
  readonly #requests = new Map<number, Request>();
  /** The one used last is used next, so that those beyond the need grow old. */
  #idle: Connection[] = [];

  constructor(url: URL, engine: Engine, meters: AttemptMeters, onOutcome: OnOutcome, tracing?: Tracing) {
    this.#engine = engine;
    this.#meters = meters;
    this.#tracing = tracing;
    this.#onOutcome = onOutcome;
    // A URL has IPv6 addresses in brackets, a socket wants them without.
    this.#host = url.hostname.replace(/^\[|\]$/g, "");
    this.#port = Number(url.port || 80);
    this.#path = `${url.pathname.replace(/\/$/, "")}/payments`;
    const authorization = basicAuthorization(url);
    const shared = `Host: ${url.host}\r\n${authorization ? `Authorization: ${authorization}\r\n` : ""}`;
    this.#postHead = `POST ${this.#path} HTTP/1.1\r\n${shared}Content-Type: application/json\r\n`;
    this.#getTail = ` HTTP/1.1\r\n${shared}`;
  }

  /** Sends the payment of a flight at the requestedAt the ledger has for it. Hot. */
  post(flight: number): void {
    const { rows } = this.#engine.ledger;
    const slot = this.#engine.flights.slot[flight]!;
    const id = formatUuid(rows.correlationIds, slot * UUID_WORDS);
    const amount = formatCents(rows.cents[slot]!);
    const requestedAt = formatTimestamp(rows.requestedAtMs(slot));
    const body = `{"correlationId":"${id}","amount":${amount},"requestedAt":"${requestedAt}"}`;
    const traced = this.#tracedHeaders(flight);
    this.#send(`${this.#postHead}${traced}Content-Length: ${body.length}\r\n\r\n${body}`, flight, outcomeOfPost);
  }

  /** Asks whether the payment of a flight was charged. */
  lookup(flight: number): void {
    const { rows } = this.#engine.ledger;
    const slot = this.#engine.flights.slot[flight]!;
    const requestedAtMs = rows.requestedAtMs(slot);
    const cents = rows.cents[slot]!;
    const id = formatUuid(rows.correlationIds, slot * UUID_WORDS);
    const traced = this.#tracedHeaders(flight);
    this.#send(`GET ${this.#path}/${id}${this.#getTail}${traced}\r\n`, flight, (status, body) =>
      outcomeOfLookup(status, body, requestedAtMs, cents),
    );
  }

  /** Ends the requests of flights that began before `beganBeforeMs` as timed out, and the connections idle for long. */
  expire(beganBeforeMs: number): void {
    for (const request of this.#requests.values()) {
      if (this.#engine.flights.beganAtMs[request.flight]! < beganBeforeMs) request.connection.timeOut();
    }
    const idleBeforeMs = performance.now() - IDLE_MS_MAX;
    // Given back in this order, so the first has been idle for longest.
    while (this.#idle.length > 0 && this.#idle[0]!.idleSinceMs < idleBeforeMs) this.#idle.shift()!.close();
  }

  close(): void {
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
    for (const request of this.#requests.values()) request.connection.close();
  }

  #send(text: string, flight: number, outcomeOf: OutcomeOf): void {
    const connection = this.#takeIdle() ?? new Connection(this.#host, this.#port, this.#release);
    const request = new Request(flight, connection, outcomeOf, this.#settled);
    this.#requests.set(flight, request);
    connection.send(text, request);
  }

  /** The headers that carry the context of a sampled payment on; empty for all others. Hot. */
  #tracedHeaders(flight: number): string {
    const headers = this.#tracing?.payments.attemptBegan(flight);
    if (headers === undefined) return "";
    let text = "";
    for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
    return text;
  }

  #takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (!connection?.isClosed) return connection;
    }
  }

  readonly #release = (connection: Connection): void => {
    connection.idleSinceMs = performance.now();
    this.#idle.push(connection);
  };

  readonly #settled = (request: Request, outcome: number): void => {
    this.#requests.delete(request.flight);
    this.#meters.ended(outcome, performance.now() - request.beganAtMs);
    this.#tracing?.payments.attemptEnded(request.flight, outcome, request.status, request.error);
    this.#onOutcome(request.flight, outcome);
  };
}

type OutcomeOf = (status: number, body: string) => number;

/** A request that is out. */
class Request implements Receiver {
  readonly flight: number;
  readonly beganAtMs = performance.now();
  readonly connection: Connection;
  /** 0: no answer. */
  status = 0;
  /** Why there was no whole answer. */
  error: Error | undefined;
  readonly #outcomeOf: OutcomeOf;
  readonly #settled: (request: Request, outcome: number) => void;

  constructor(
    flight: number,
    connection: Connection,
    outcomeOf: OutcomeOf,
    settled: (request: Request, outcome: number) => void,
  ) {
    this.flight = flight;
    this.connection = connection;
    this.#outcomeOf = outcomeOf;
    this.#settled = settled;
  }

  answered(status: number, body: string): void {
    this.status = status;
    this.#settled(this, this.#outcomeOf(status, body));
  }

  failed(failure: Failure, error: Error): void {
    this.error = error;
    this.#settled(this, OUTCOME_OF_FAILURE[failure]);
  }
}

const OUTCOME_OF_FAILURE: Readonly<Record<Failure, number>> = {
  unreachable: UNREACHABLE,
  reset: RESET,
  "timed out": TIMED_OUT,
};

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

/** The last body that was found to be a processor's: it says the same of every payment. */
let knownMessage = "";

/** A processor says `{"message":"…"}`; a 200 without it is somebody else's. Hot: parses only what it has not just seen. */
function hasMessage(body: string): boolean {
  if (body === knownMessage && body !== "") return true;
  const isMessage = typeof parseObject(body)?.["message"] === "string";
  if (isMessage) knownMessage = body;
  return isMessage;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
