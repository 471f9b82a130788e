import { CONTEST, outcomeOfPost } from "../../core/dialect.ts";
import type { Engine } from "../../core/engine.ts";
import { formatCents } from "../../core/money.ts";
import {
  DISPUTED,
  FOREIGN,
  FOUND,
  NOT_FOUND,
  NOT_TOLD,
  RESET,
  TIMED_OUT,
  UNREACHABLE,
  UNREADABLE,
} from "../../core/payment.ts";
import { formatUuid, UUID_WORDS } from "../../core/uuid.ts";
import type { AttemptMeters } from "../telemetry/meters.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { formatTimestamp } from "../timestamp.ts";
import { Connection, type Failure, type Receiver } from "./connection.ts";
import { endpointOf } from "./endpoint.ts";
import { judgeTold, readTold, type ToldVerdict } from "./told-charge.ts";

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
    const { host, port, path, authority } = endpointOf(url);
    this.#host = host;
    this.#port = port;
    this.#path = path;
    this.#postHead = `POST ${path} HTTP/1.1\r\nHost: ${authority}\r\nContent-Type: application/json\r\n`;
    this.#getTail = ` HTTP/1.1\r\nHost: ${authority}\r\n`;
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
    this.#send(`${this.#postHead}${traced}Content-Length: ${body.length}\r\n\r\n${body}`, flight, postOutcome);
  }

  /** Asks whether the payment of a flight was charged. */
  lookup(flight: number): void {
    const { rows } = this.#engine.ledger;
    const slot = this.#engine.flights.slot[flight]!;
    const sent = {
      cents: rows.cents[slot]!,
      acceptedAtMs: rows.acceptedAtMs[slot]!,
      requestedAtMs: rows.requestedAtMs(slot),
    };
    const id = formatUuid(rows.correlationIds, slot * UUID_WORDS);
    const traced = this.#tracedHeaders(flight);
    this.#send(
      `GET ${this.#path}/${id}${this.#getTail}${traced}\r\n`,
      flight,
      (status, body) => OUTCOME_OF_VERDICT[judgeTold(readTold(status, body, id), sent)],
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

function postOutcome(status: number, body: string): number {
  if (status === 408) return RESET;
  return outcomeOfPost(CONTEST, status, body === "", status === 200 && hasMessage(body));
}

const OUTCOME_OF_VERDICT: Readonly<Record<ToldVerdict, number>> = {
  found: FOUND,
  foreign: FOREIGN,
  disputed: DISPUTED,
  unreadable: UNREADABLE,
  "not found": NOT_FOUND,
  "not told": NOT_TOLD,
};

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
