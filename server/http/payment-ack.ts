import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE } from "../../core/engine.ts";
import { formatUuid, parseUuidText, UUID_WORDS } from "../../core/uuid.ts";
import type { Effect } from "../group-commit.ts";
import type { PaymentService } from "../payment-service.ts";
import { unavailable } from "../problem.ts";
import { type Answer, jsonAnswer, problemAnswer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";

/** What is told when nothing is accepted. */
export const REFUSAL_DETAILS = {
  shutting_down: "shutting down",
  journal_failing: "the journal cannot be written",
} as const;

/** The answer to a payment, given once its record is safe. */
export class PaymentAck implements Effect {
  readonly #service: PaymentService;
  readonly #exchange: Exchange;
  readonly #correlationId: string;
  readonly #result: AcceptResult;

  private constructor(service: PaymentService, exchange: Exchange, correlationId: string, result: AcceptResult) {
    this.#service = service;
    this.#exchange = exchange;
    this.#correlationId = correlationId;
    this.#result = result;
  }

  /** Accepts the payment whose body the service has just read, and sees to its answer. Hot. */
  static answer(service: PaymentService, exchange: Exchange): void {
    const refusal = service.refusal;
    if (refusal !== undefined) {
      refuse(service, exchange, refusal);
      return;
    }
    const { id, cents } = service.body;
    const ack = new PaymentAck(service, exchange, formatUuid(id), service.accept());
    service.tracing?.offered(exchange, ack.#result, id, cents);
    // Only now: this may commit at once.
    service.whenSafe(ack);
  }

  commit(): void {
    this.#service.answered(this.#result, this.#correlationId);
    if (this.#result === ACCEPTED_NEW) this.#exchange.answerAccepted(`/payments/${this.#correlationId}`);
    else this.#exchange.answer(this.#otherAnswer());
  }

  abort(): void {
    this.#service.tracing?.payments.forgotten();
    refuse(this.#service, this.#exchange, "journal_failing", this.#correlationId);
  }

  #otherAnswer(): Answer {
    if (this.#result === DUPLICATE) return this.#knownPayment();
    if (this.#result === CONFLICT) {
      const detail = `a correlationId stands for one payment with one amount: correlationId=${this.#correlationId}`;
      return problemAnswer({ status: 409, field: "correlationId", detail });
    }
    return problemAnswer(unavailable("the ledger is full"));
  }

  #knownPayment(): Answer {
    const id = new Int32Array(UUID_WORDS);
    const json = parseUuidText(this.#correlationId, id) ? this.#service.view(id) : undefined;
    // Purged between the request and its answer.
    return json === undefined ? problemAnswer(unavailable("the payment was purged")) : jsonAnswer(json);
  }
}

function refuse(
  service: PaymentService,
  exchange: Exchange,
  reason: keyof typeof REFUSAL_DETAILS,
  correlationId = formatUuid(service.body.id),
): void {
  service.refused(reason, correlationId);
  exchange.answer(problemAnswer(unavailable(REFUSAL_DETAILS[reason])));
}
