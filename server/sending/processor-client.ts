import type { Engine } from "../../core/engine.ts";
import { formatCents } from "../../core/values/money.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import type { AttemptMeters } from "../meters/meters.ts";
import type { Network } from "../system/network.ts";
import type { Time } from "../system/time.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import { outcomeOfAnswer, outcomeOfFailure, outcomeOfTold } from "./answers.ts";
import { Connection, type Failure, type Receiver } from "./connection.ts";
import { endpointOf } from "./endpoint.ts";
import { judgeTold, readTold } from "./told-charge.ts";

/** Called exactly once per request, never from within `post` or `lookup`. */
export type OnOutcome = (flight: number, outcome: number) => void;

/** What a client works with. */
export type ClientSurroundings = { network: Network; time: Time; tracing?: Tracing | undefined };

/** Below the idle limits of common servers: whoever closes first must not be the one about to be sent a payment. */
const IDLE_MS_MAX = 4000;

/**
 * One payment processor over kept-alive HTTP/1.1 connections, as many as requests are out; the engine bounds those. No
 * promise, no stream and no timer per request: `expire` ends the old ones.
 */
export class ProcessorClient {
  readonly #engine: Engine;
  readonly #meters: AttemptMeters;
  readonly #tracing: Tracing | undefined;
  readonly #onOutcome: OnOutcome;
  readonly #network: Network;
  readonly #time: Time;
  readonly #host: string;
  readonly #port: number;
  readonly #path: string;
  readonly #postHead: string;
  readonly #getTail: string;
  readonly #requests = new Map<number, Request>();
  /** The one used last is used next, so that those beyond the need grow old. */
  #idle: Connection[] = [];

  constructor(
    url: URL,
    engine: Engine,
    meters: AttemptMeters,
    onOutcome: OnOutcome,
    { network, time, tracing }: ClientSurroundings,
  ) {
    this.#engine = engine;
    this.#meters = meters;
    this.#tracing = tracing;
    this.#onOutcome = onOutcome;
    this.#network = network;
    this.#time = time;
    const { host, port, path, headers } = endpointOf(url);
    this.#host = host;
    this.#port = port;
    this.#path = path;
    this.#postHead = `POST ${path} HTTP/1.1\r\n${headers}Content-Type: application/json\r\n`;
    this.#getTail = ` HTTP/1.1\r\n${headers}`;
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
    this.#send(`${this.#postHead}${traced}Content-Length: ${body.length}\r\n\r\n${body}`, flight, outcomeOfAnswer);
  }

  /** Asks whether the payment of a flight was charged. */
  lookup(flight: number): void {
    const { rows } = this.#engine.ledger;
    const slot = this.#engine.flights.slot[flight]!;
    const sent = {
      cents: rows.cents[slot]!,
      requestedAtMs: rows.requestedAtMs(slot),
      acceptedAtMs: rows.acceptedAtMs[slot]!,
    };
    const id = formatUuid(rows.correlationIds, slot * UUID_WORDS);
    const traced = this.#tracedHeaders(flight);
    this.#send(`GET ${this.#path}/${id}${this.#getTail}${traced}\r\n`, flight, (status, body) =>
      outcomeOfTold(judgeTold(readTold(status, body, id), sent)),
    );
  }

  /** Ends the requests of flights that began before `beganBeforeMs` as timed out, and the connections idle for long. */
  expire(beganBeforeMs: number): void {
    for (const request of this.#requests.values()) {
      if (this.#engine.flights.beganAtMs[request.flight]! < beganBeforeMs) request.connection.timeOut();
    }
    const idleBeforeMs = this.#time.monotonicMs() - IDLE_MS_MAX;
    // Given back in this order, so the first has been idle for longest.
    while (this.#idle.length > 0 && this.#idle[0]!.idleSinceMs < idleBeforeMs) this.#idle.shift()!.close();
  }

  close(): void {
    for (const connection of this.#idle) connection.close();
    this.#idle = [];
    for (const request of this.#requests.values()) request.connection.close();
  }

  #send(text: string, flight: number, outcomeOf: OutcomeOf): void {
    const kept = this.#mustBeFresh(flight) ? undefined : this.#takeIdle();
    const connection = kept ?? new Connection(this.#network, this.#host, this.#port, this.#release);
    const request = new Request(flight, this.#time.monotonicMs(), connection, outcomeOf, this.#settled);
    this.#requests.set(flight, request);
    connection.send(text, request);
  }

  /**
   * What broke with one connection is asked again on a new one: others that were kept as long may break in the same
   * way. Hot.
   */
  #mustBeFresh(flight: number): boolean {
    const { ledger, flights } = this.#engine;
    const outcome = ledger.rows.outcome[flights.slot[flight]!];
    return outcome === Outcome.DROPPED || outcome === Outcome.RESET;
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
    connection.idleSinceMs = this.#time.monotonicMs();
    this.#idle.push(connection);
  };

  readonly #settled = (request: Request, outcome: number): void => {
    this.#requests.delete(request.flight);
    this.#meters.ended(outcome, this.#time.monotonicMs() - request.beganAtMs);
    this.#tracing?.payments.attemptEnded(request.flight, outcome, request.status, request.error);
    this.#onOutcome(request.flight, outcome);
  };
}

type OutcomeOf = (status: number, body: string, isProvenEmpty: boolean, wasKept: boolean) => number;

/** A request that is out. */
class Request implements Receiver {
  readonly flight: number;
  /** Monotonic. */
  readonly beganAtMs: number;
  readonly connection: Connection;
  /** 0: no answer. */
  status = 0;
  /** Why there was no whole answer. */
  error: Error | undefined;
  readonly #outcomeOf: OutcomeOf;
  readonly #settled: (request: Request, outcome: number) => void;

  constructor(
    flight: number,
    beganAtMs: number,
    connection: Connection,
    outcomeOf: OutcomeOf,
    settled: (request: Request, outcome: number) => void,
  ) {
    this.flight = flight;
    this.beganAtMs = beganAtMs;
    this.connection = connection;
    this.#outcomeOf = outcomeOf;
    this.#settled = settled;
  }

  answered(status: number, body: string, isProvenEmpty: boolean, wasKept: boolean): void {
    this.status = status;
    this.#settled(this, this.#outcomeOf(status, body, isProvenEmpty, wasKept));
  }

  failed(failure: Failure, error: Error, wasKept: boolean): void {
    this.error = error;
    this.#settled(this, outcomeOfFailure(failure, error, wasKept));
  }
}
