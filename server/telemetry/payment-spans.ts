import type { Engine } from "../../core/engine.ts";
import { NOT_FOUND_SLOT } from "../../core/ledger/uuid-index.ts";
import * as FlightState from "../../core/routing/flight-state.ts";
import type { Flight, OutcomeCode, Slot } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as State from "../../core/values/state.ts";
import { UUID_WORDS } from "../../core/values/uuid.ts";
import { contextHeaders } from "./request-spans.ts";
import type { SpanExport } from "./span-export.ts";
import type { AttemptSpan, PaymentSpan, RequestSpan, SpanException } from "./span-message.ts";
import { newSpanId } from "./trace-ids.ts";

/** Sampled payments followed at once, so that an outage of the processors costs a bounded amount of memory. */
const OPEN_PAYMENTS_MAX = 4096;

/** What a line about a traced payment carries, so that log and trace are found from each other. */
export type TraceFields = { traceId: string; spanId: string };

/** `id`: what the ledger's row is compared with before it is taken for this payment: rows are used again. */
type OpenPayment = { span: PaymentSpan; id: Int32Array };

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
  /** By slot, and by flight. */
  readonly #open = new Map<number, OpenPayment>();
  readonly #attempts = new Map<number, AttemptSpan>();
  #sweep: NodeJS.Immediate | undefined;

  constructor(spanExport: SpanExport, engine: Engine) {
    this.#export = spanExport;
    this.#engine = engine;
  }

  /** The engine has just accepted the payment with this correlationId from a sampled request that tells of it. */
  accepted(request: RequestSpan, correlationId: Int32Array): void {
    if (this.#open.size >= OPEN_PAYMENTS_MAX) {
      this.#export.leaveOut();
      return;
    }
    const id = correlationId.slice(0, UUID_WORDS);
    const slot = this.#engine.ledger.find(id);
    const span: PaymentSpan = {
      what: "payment",
      traceId: request.traceId,
      spanId: newSpanId(),
      parentSpanId: request.spanId,
      traceState: request.traceState,
      startMs: this.#export.clock.nowMs(),
      endMs: 0,
      errorType: "",
      correlationId: request.correlationId,
      cents: request.cents,
      attemptCount: 0,
      outcome: "",
      state: "",
      processor: "",
    };
    // The row may have belonged to a payment that was taken back in this very turn.
    this.#abandon(slot, "taken back");
    this.#open.set(slot, { span, id });
  }

  /** A flight's request is about to be made. Returns the headers to add to it, if the payment is sampled. Hot. */
  attemptBegan(flight: Flight): string[] | undefined {
    if (this.#open.size === 0) return undefined;
    const payment = this.#of(this.#engine.flights.slot[flight]!);
    if (payment === undefined) return undefined;
    const span = this.#attempt(flight, payment.span);
    payment.span.attemptCount++;
    this.#attempts.set(flight, span);
    return contextHeaders(span);
  }

  /** What came of a flight's request. `status` is 0 when no answer came; `error` says why, if anything did. Hot. */
  attemptEnded(flight: Flight, outcome: OutcomeCode, status: number, error?: Error): void {
    if (this.#attempts.size === 0) return;
    const span = this.#attempts.get(flight);
    if (span === undefined) return;
    this.#attempts.delete(flight);
    span.outcome = Outcome.NAMES[outcome]!;
    span.status = status;
    if (error !== undefined) span.exception = exceptionOf(error, this.#export.clock.nowMs());
    if (!Outcome.isCharged(outcome) && outcome !== Outcome.NOT_FOUND)
      span.errorType = status >= 400 ? String(status) : typeOf(span.outcome);
    this.#export.end(span);
  }

  /** The engine has taken in what came of an attempt at this payment. Hot. */
  settled(slot: Slot, outcome: OutcomeCode): void {
    if (this.#open.size === 0) return;
    const state = this.#engine.ledger.rows.state[slot]!;
    if (state !== State.PROCESSED && state !== State.FAILED) return;
    const payment = this.#of(slot);
    if (payment) this.#end(slot, payment.span, outcome);
  }

  gaveUp(slot: Slot): void {
    const payment = this.#of(slot);
    if (payment) this.#end(slot, payment.span, Outcome.GAVE_UP);
  }

  /** The context of the payment in this slot, for a line of the log. */
  traceOf(slot: Slot): TraceFields | undefined {
    if (this.#open.size === 0) return undefined;
    const span = this.#of(slot)?.span;
    return span && { traceId: span.traceId, spanId: span.spanId };
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
      span.errorType = "shut_down";
      this.#export.end(span);
    }
    this.#attempts.clear();
    for (const slot of [...this.#open.keys()]) this.#abandon(slot, "shut down");
  }

  #of(slot: Slot): OpenPayment | undefined {
    const payment = this.#open.get(slot);
    if (payment === undefined) return undefined;
    const { correlationIds } = this.#engine.ledger.rows;
    const at = slot * UUID_WORDS;
    for (let i = 0; i < UUID_WORDS; i++) if (payment.id[i] !== correlationIds[at + i]) return undefined;
    return payment;
  }

  #attempt(flight: Flight, payment: PaymentSpan): AttemptSpan {
    const { flights, ledger } = this.#engine;
    return {
      what: "attempt",
      traceId: payment.traceId,
      spanId: newSpanId(),
      parentSpanId: payment.spanId,
      traceState: payment.traceState,
      startMs: this.#export.clock.nowMs(),
      endMs: 0,
      errorType: "",
      correlationId: payment.correlationId,
      cents: payment.cents,
      processor: flights.processor[flight]!,
      isLookup: flights.state[flight] === FlightState.LOOKING_UP,
      requestedAtMs: ledger.rows.requestedAtMs(flights.slot[flight]!),
      resendCount: payment.attemptCount,
      outcome: "",
      status: 0,
      exception: undefined,
    };
  }

  #end(slot: Slot, span: PaymentSpan, outcome: OutcomeCode): void {
    this.#open.delete(slot);
    const { rows } = this.#engine.ledger;
    const state = rows.state[slot]!;
    span.state = State.NAMES[state]!;
    span.outcome = Outcome.NAMES[outcome]!;
    if (state === State.PROCESSED) span.processor = this.#engine.processorNames[rows.processor[slot]!] ?? "";
    if (state === State.FAILED) span.errorType = typeOf(span.outcome);
    this.#export.end(span);
  }

  #abandon(slot: Slot, outcome: "taken back" | "forgotten" | "shut down"): void {
    const payment = this.#open.get(slot);
    if (payment === undefined) return;
    this.#open.delete(slot);
    payment.span.outcome = outcome;
    payment.span.errorType = typeOf(outcome);
    this.#export.end(payment.span);
  }
}

function typeOf(outcome: string): string {
  return outcome.replaceAll(" ", "_");
}

function exceptionOf(error: Error & { code?: unknown }, atMs: number): SpanException {
  const { code, name, message, stack = "" } = error;
  return { type: code ? String(code) : name, message, stack, atMs };
}
