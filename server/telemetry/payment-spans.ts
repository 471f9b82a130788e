import { type Span, SpanKind } from "@opentelemetry/api";
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from "@opentelemetry/semantic-conventions";
import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import type { Flight, OutcomeCode, Slot } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import { portOf } from "../text/url-port.ts";
import { contextHeaders, fail } from "./request-spans.ts";
import { contextOf, type SpanExport } from "./span-export.ts";

export const ATTR_CORRELATION_ID = "payment.correlation_id";
export const ATTR_AMOUNT = "payment.amount";
export const ATTR_PROCESSOR = "payment.processor";
export const ATTR_OUTCOME = "payment.outcome";
const ATTR_STATE = "payment.state";
const ATTR_REQUESTED_AT = "payment.requested_at";
const ATTR_ATTEMPT_COUNT = "payment.attempt_count";
/** Not yet among the stable conventions. */
const ATTR_URL_TEMPLATE = "url.template";
const ATTR_RESEND_COUNT = "http.request.resend_count";

/** Sampled payments followed at once, so that an outage of the processors costs a bounded amount of memory. */
const OPEN_PAYMENTS_MAX = 4096;

/** What a line about a traced payment carries, so that log and trace are found from each other. */
export type TraceFields = { traceId: string; spanId: string };

/** What the ledger's row is compared with before it is taken for this payment: rows are used again. */
type OpenPayment = { span: Span; id: Int32Array; attemptCount: number };

/**
 * Spans of the sampled payments, from accepting to settling, and of every request made for them at a processor.
 *
 *   request (server) ──► payment ──► attempt (client) ──► traceparent at the processor
 *                          │   └───► attempt (client) ──► …
 *                          └── link to the request
 *
 * A payment found in the journal after a restart has no context any more and is not traced on.
 */
export class PaymentSpans {
  readonly #export: SpanExport;
  readonly #engine: Engine;
  readonly #targets: readonly URL[];
  /** By slot, and by flight. */
  readonly #open = new Map<number, OpenPayment>();
  readonly #attempts = new Map<number, Span>();
  #sweep: NodeJS.Immediate | undefined;

  constructor(spanExport: SpanExport, engine: Engine, processorUrls: readonly URL[]) {
    this.#export = spanExport;
    this.#engine = engine;
    this.#targets = processorUrls;
  }

  /** The engine has just accepted the payment with this correlationId from a sampled request. */
  accepted(request: Span, correlationId: Int32Array): void {
    if (this.#open.size >= OPEN_PAYMENTS_MAX) {
      this.#export.leaveOut();
      return;
    }
    const id = correlationId.slice(0, UUID_WORDS);
    const slot = this.#engine.ledger.find(id);
    const attributes = paymentAttributes(id, this.#engine.ledger.rows.cents[slot]!);
    const options = { kind: SpanKind.INTERNAL, attributes, link: request };
    const span = this.#export.child("payment", contextOf(request), options);
    // The row may have belonged to a payment that was taken back in this very turn.
    this.#abandon(slot, "taken back");
    this.#open.set(slot, { span, id, attemptCount: 0 });
  }

  /** A flight's request is about to be made. Returns the headers to add to it, if the payment is sampled. Hot. */
  attemptBegan(flight: Flight): string[] | undefined {
    if (this.#open.size === 0) return undefined;
    const payment = this.#of(this.#engine.flights.slot[flight]!);
    if (payment === undefined) return undefined;
    const span = this.#export.child(...this.#attempt(flight, payment));
    payment.attemptCount++;
    this.#attempts.set(flight, span);
    return contextHeaders(span);
  }

  /** What came of a flight's request. `status` is 0 when no answer came; `error` says why, if anything did. Hot. */
  attemptEnded(flight: Flight, outcome: OutcomeCode, status: number, error?: Error): void {
    if (this.#attempts.size === 0) return;
    const span = this.#attempts.get(flight);
    if (span === undefined) return;
    this.#attempts.delete(flight);
    span.setAttribute(ATTR_OUTCOME, Outcome.NAMES[outcome]!);
    if (status > 0) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status);
    if (error) span.recordException(error);
    if (!Outcome.isCharged(outcome) && outcome !== Outcome.NOT_FOUND)
      fail(span, status >= 400 ? String(status) : typeOf(outcome));
    span.end();
  }

  /** The engine has taken in what came of an attempt at this payment. Hot. */
  settled(slot: Slot, outcome: OutcomeCode): void {
    if (this.#open.size === 0) return;
    const state = this.#engine.ledger.rows.state[slot]!;
    if (state !== State.PROCESSED && state !== State.FAILED) return;
    const payment = this.#of(slot);
    if (payment) this.#end(slot, payment, outcome);
  }

  gaveUp(slot: Slot): void {
    const payment = this.#of(slot);
    if (payment) this.#end(slot, payment, Outcome.GAVE_UP);
  }

  /** The context of the payment in this slot, for a line of the log. */
  traceOf(slot: Slot): TraceFields | undefined {
    if (this.#open.size === 0) return undefined;
    const context = this.#of(slot)?.span.spanContext();
    return context && { traceId: context.traceId, spanId: context.spanId };
  }

  /**
   * Payments have left the ledger: purged, or taken back because they could not be written. Looks which, once this turn
   * is over.
   */
  forgotten(): void {
    if (this.#open.size === 0) return;
    this.#sweep ??= setImmediate(() => {
      this.#sweep = undefined;
      for (const [slot, { id }] of this.#open) {
        if (this.#engine.ledger.find(id) === NOT_FOUND_SLOT) this.#abandon(slot, "forgotten");
      }
    });
  }

  /** What is still open ends here, as far as it got. */
  close(): void {
    clearImmediate(this.#sweep);
    for (const span of this.#attempts.values()) {
      fail(span, "shut_down");
      span.end();
    }
    this.#attempts.clear();
    for (const slot of [...this.#open.keys()]) this.#abandon(slot, "shut down");
  }

  #of(slot: Slot): OpenPayment | undefined {
    const payment = this.#open.get(slot);
    if (payment === undefined) return undefined;
    const { correlationIds } = this.#engine.ledger.rows;
    const at = slot * UUID_WORDS;
    return payment.id.every((word, i) => word === correlationIds[at + i]) ? payment : undefined;
  }

  #attempt(flight: Flight, payment: OpenPayment): Parameters<SpanExport["child"]> {
    const { flights, ledger } = this.#engine;
    const slot = flights.slot[flight]!;
    const processor = flights.processor[flight]!;
    const { hostname, origin, pathname } = this.#targets[processor]!;
    const id = formatUuid(payment.id);
    const isLookup = flights.state[flight] === FlightState.LOOKING_UP;
    const method = isLookup ? "GET" : "POST";
    const base = `${pathname.replace(/\/$/, "")}/payments`;
    const template = isLookup ? `${base}/{correlationId}` : base;
    const attributes = {
      [ATTR_HTTP_REQUEST_METHOD]: method,
      [ATTR_URL_FULL]: `${origin}${isLookup ? `${base}/${id}` : base}`,
      [ATTR_URL_TEMPLATE]: template,
      [ATTR_SERVER_ADDRESS]: hostname,
      [ATTR_SERVER_PORT]: portOf(this.#targets[processor]!),
      ...paymentAttributes(payment.id, ledger.rows.cents[slot]!),
      [ATTR_PROCESSOR]: this.#engine.processorNames[processor]!,
      [ATTR_REQUESTED_AT]: formatTimestamp(ledger.rows.requestedAtMs(slot)),
      ...(payment.attemptCount > 0 && { [ATTR_RESEND_COUNT]: payment.attemptCount }),
    };
    return [`${method} ${template}`, contextOf(payment.span), { kind: SpanKind.CLIENT, attributes }];
  }

  #end(slot: Slot, { span, attemptCount }: OpenPayment, outcome: OutcomeCode): void {
    this.#open.delete(slot);
    const { rows } = this.#engine.ledger;
    const processor = this.#engine.processorNames[rows.processor[slot]!];
    const state = rows.state[slot]!;
    span.setAttributes({
      [ATTR_STATE]: State.NAMES[state]!,
      [ATTR_OUTCOME]: Outcome.NAMES[outcome]!,
      [ATTR_ATTEMPT_COUNT]: attemptCount,
      ...(state === State.PROCESSED && processor !== undefined && { [ATTR_PROCESSOR]: processor }),
    });
    if (state === State.FAILED) fail(span, typeOf(outcome));
    span.end();
  }

  #abandon(slot: Slot, outcome: "taken back" | "forgotten" | "shut down"): void {
    const payment = this.#open.get(slot);
    if (payment === undefined) return;
    this.#open.delete(slot);
    payment.span.setAttributes({ [ATTR_OUTCOME]: outcome, [ATTR_ATTEMPT_COUNT]: payment.attemptCount });
    fail(payment.span, outcome.replaceAll(" ", "_"));
    payment.span.end();
  }
}

/** The amount is in the currency's unit, as the API has it. */
export function paymentAttributes(id: Int32Array, cents: number): Record<string, string | number> {
  return { [ATTR_CORRELATION_ID]: formatUuid(id), [ATTR_AMOUNT]: cents / 100 };
}

function typeOf(outcome: OutcomeCode): string {
  return Outcome.NAMES[outcome]!.replaceAll(" ", "_");
}
