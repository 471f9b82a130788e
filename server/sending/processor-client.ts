import type { Dialect } from "../../core/answers/dialect.ts";
import type { Engine } from "../../core/engine.ts";
import { formatCents } from "../../core/values/money.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import type { AttemptMeters } from "../meters/meters.ts";
import type { ProcessorConfig } from "../settings/processors.ts";
import type { Time } from "../system/time.ts";
import type { PartitionTracing } from "../telemetry/tracing.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import { outcomeOfAnswer, outcomeOfFailure, outcomeOfTold } from "./answers.ts";
import type { Connection, Failure, Receiver, WireRequest } from "./connection.ts";
import { Connections, type Surroundings } from "./connections.ts";
import { judgeTold, readTold } from "./told-charge.ts";

/** Called exactly once per request, never from within `post` or `lookup`. */
export type OnOutcome = (flight: number, outcome: number) => void;

/** What a client works with. */
export type ClientSurroundings = Surroundings & { tracing?: PartitionTracing | undefined };

/** What it has to know of its processor. */
export type ClientTarget = Pick<ProcessorConfig, "url" | "headers" | "tls" | "dialect">;

const NO_HEADERS: readonly string[] = [];

/**
 * One payment processor over kept-alive HTTP/1.1 connections, as many as requests are out; the engine bounds those. No
 * promise, no stream and no timer per request: `expire` ends the old ones.
 */
export class ProcessorClient {
  readonly #engine: Engine;
  readonly #meters: AttemptMeters;
  readonly #tracing: PartitionTracing | undefined;
  readonly #onOutcome: OnOutcome;
  readonly #time: Time;
  readonly #path: string;
  readonly #connections: Connections;
  readonly #outcomeOfPost: OutcomeOf;
  readonly #dialect: Dialect;
  readonly #requests = new Map<number, Request>();
  #isClosed = false;

  constructor(
    target: ClientTarget,
    engine: Engine,
    meters: AttemptMeters,
    onOutcome: OnOutcome,
    surroundings: ClientSurroundings,
  ) {
    const { dialect } = target;
    this.#engine = engine;
    this.#meters = meters;
    this.#tracing = surroundings.tracing;
    this.#onOutcome = onOutcome;
    this.#time = surroundings.time;
    this.#dialect = dialect;
    this.#connections = new Connections(target, surroundings);
    this.#path = this.#connections.endpoint.path;
    this.#outcomeOfPost = (status, body, isProvenEmpty, wasKept) =>
      outcomeOfAnswer(dialect, status, body, isProvenEmpty, wasKept);
  }

  /** Those that are out. */
  get requestCount(): number {
    return this.#requests.size;
  }

  /** Sends the payment of a flight at the requestedAt the ledger has for it. Hot. */
  post(flight: number): void {
    const { rows } = this.#engine.ledger;
    const slot = this.#engine.flights.slot[flight]!;
    const id = formatUuid(rows.correlationIds, slot * UUID_WORDS);
    const amount = formatCents(rows.cents[slot]!);
    const requestedAt = formatTimestamp(rows.requestedAtMs(slot));
    const body = `{"correlationId":"${id}","amount":${amount},"requestedAt":"${requestedAt}"}`;
    const headers = this.#tracedHeaders(flight);
    this.#send({ method: "POST", path: this.#path, headers, body }, flight, this.#outcomeOfPost);
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
    const request = {
      method: "GET",
      path: `${this.#path}/${id}`,
      headers: this.#tracedHeaders(flight),
      body: "",
    } as const;
    this.#send(request, flight, (status, body) =>
      outcomeOfTold(this.#dialect, judgeTold(readTold(status, body, id), sent)),
    );
  }

  /** Ends the requests sent before `beganBeforeMs` (monotonic) as timed out, and the connections idle for long. */
  expire(beganBeforeMs: number): void {
    for (const request of this.#requests.values()) {
      if (request.beganAtMs < beganBeforeMs) request.connection.timeOut();
    }
    this.#connections.closeIdle();
  }

  close(): void {
    this.#isClosed = true;
    this.#connections.close();
    for (const request of this.#requests.values()) request.connection.close();
  }

  #send(wish: WireRequest, flight: number, outcomeOf: OutcomeOf): void {
    const connection = this.#mustBeFresh(flight) ? this.#connections.takeNew() : this.#connections.take();
    const request = new Request(flight, wish, this.#time.monotonicMs(), connection, outcomeOf, this.#ended);
    this.#requests.set(flight, request);
    connection.send(wish, request);
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

  /** The headers that carry the context of a sampled payment on; none for all others. Hot. */
  #tracedHeaders(flight: number): readonly string[] {
    return this.#tracing?.payments.attemptBegan(flight) ?? NO_HEADERS;
  }

  readonly #ended = (request: Request, outcome: number): void => {
    // It has not left, so this sends nothing twice; on a new connection this ends in another way.
    if (request.isStale && !this.#isClosed) this.#sendAnew(request);
    else this.#settle(request, outcome);
  };

  #sendAnew(request: Request): void {
    request.isStale = false;
    request.connection = this.#connections.takeNew();
    request.connection.send(request.wish, request);
  }

  #settle(request: Request, outcome: number): void {
    this.#requests.delete(request.flight);
    this.#meters.ended(outcome, this.#time.monotonicMs() - request.beganAtMs);
    this.#tracing?.payments.attemptEnded(request.flight, outcome, request.status, request.error);
    this.#onOutcome(request.flight, outcome);
  }
}

type OutcomeOf = (status: number, body: string, isProvenEmpty: boolean, wasKept: boolean) => number;

/** A request that is out. */
class Request implements Receiver {
  readonly flight: number;
  readonly wish: WireRequest;
  /** Monotonic. */
  readonly beganAtMs: number;
  connection: Connection;
  /** It has not left: its connection had ended before. */
  isStale = false;
  /** 0: no answer. */
  status = 0;
  /** Why there was no whole answer. */
  error: Error | undefined;
  readonly #outcomeOf: OutcomeOf;
  readonly #ended: (request: Request, outcome: number) => void;

  constructor(
    flight: number,
    wish: WireRequest,
    beganAtMs: number,
    connection: Connection,
    outcomeOf: OutcomeOf,
    ended: (request: Request, outcome: number) => void,
  ) {
    this.flight = flight;
    this.wish = wish;
    this.beganAtMs = beganAtMs;
    this.connection = connection;
    this.#outcomeOf = outcomeOf;
    this.#ended = ended;
  }

  answered(status: number, body: string, isProvenEmpty: boolean, wasKept: boolean): void {
    this.status = status;
    this.#ended(this, this.#outcomeOf(status, body, isProvenEmpty, wasKept));
  }

  failed(failure: Failure, error: Error, wasKept: boolean): void {
    this.error = error;
    this.isStale = failure === "stale";
    this.#ended(this, outcomeOfFailure(failure, error, wasKept));
  }
}
