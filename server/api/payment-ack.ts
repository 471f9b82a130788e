import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE } from "../../core/values/accept-result.ts";
import { formatUuid, parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import { type Answer, jsonAnswer, problemAnswer } from "../http/answer.ts";
import type { Asker } from "../http/exchange.ts";
import type { PaymentService } from "../payments/payment-service.ts";
import { type Accepted, paymentUnavailable, problem } from "../text/problem.ts";
import type { ProblemName } from "../text/problem-types.ts";
import type { Effect } from "../turn/effect.ts";

/** What is told when nothing is accepted. */
export const REFUSAL_DETAILS = {
  shutting_down: "shutting down",
  journal_failing: "the journal cannot be written",
} as const;

/** And which problem that is. */
export const REFUSAL_PROBLEMS: Readonly<Record<keyof typeof REFUSAL_DETAILS, ProblemName>> = {
  shutting_down: "shutting-down",
  journal_failing: "journal-unwritable",
};

/** What is told while payments come in faster than they are accepted. The balancer says the same (nginx.conf). */
export const OVERLOADED_DETAIL = "too many payments at once";

/** What is told to whoever wants everything forgotten where that is not allowed. */
export const PURGE_DISABLED = problem("purging-disabled", "purging is not allowed: PURGE_ENABLED=false");

/** What is told of a request that lay unread while the process was stopped. */
export const STOPPED_DETAIL = "the process was stopped when this request came";

/** What a read is told while something has happened that the journal cannot take. */
export const UNSAFE = problem(
  "journal-unwritable",
  "the journal cannot be written: what has happened since is not told yet",
);

/** The answer to a payment, given once its record is safe. */
class PaymentAck implements Effect {
  readonly #service: PaymentService;
  readonly #exchange: Asker;
  readonly #correlationId: string;
  readonly #result: AcceptResult;
  /** Of a repetition: the payment as it stands when that is asked, which the records that are waited for cover. */
  readonly #known: string | undefined;
  #isLate = false;

  constructor(
    service: PaymentService,
    exchange: Asker,
    correlationId: string,
    result: AcceptResult,
    known: string | undefined,
  ) {
    this.#service = service;
    this.#exchange = exchange;
    this.#correlationId = correlationId;
    this.#result = result;
    this.#known = known;
  }

  commit(): void {
    this.#service.answered(this.#result, this.#correlationId);
    if (this.#isLate) return;
    if (this.#result === ACCEPTED_NEW) this.#exchange.answerAccepted(`/payments/${this.#correlationId}`);
    else this.#exchange.answer(this.#otherAnswer());
  }

  /** What the failed write said has been taken back: whoever is still known was accepted before. */
  abort(isUnsure = false): void {
    this.#service.tracing?.payments.forgotten();
    if (this.#isLate) return;
    const id = new Int32Array(UUID_WORDS);
    const isKnown = parseUuidText(this.#correlationId, id) && this.#service.knows(id);
    refuse(
      this.#service,
      this.#exchange,
      "journal_failing",
      this.#correlationId,
      isKnown || isUnsure ? "unknown" : "no",
    );
  }

  /** The client is told while it still waits, and may repeat the payment. */
  late(): void {
    this.#isLate = true;
    refuse(this.#service, this.#exchange, "journal_failing", this.#correlationId, "unknown");
  }

  #otherAnswer(): Answer {
    if (this.#known !== undefined) return jsonAnswer(this.#known);
    if (this.#result === CONFLICT) {
      const detail = `a correlationId stands for one payment with one amount: correlationId=${this.#correlationId}`;
      return problemAnswer({ ...problem("amount-differs", detail), field: "correlationId" });
    }
    return problemAnswer(paymentUnavailable("ledger-full", "the ledger is full", "no"));
  }
}

/**
 * Accepts the payment whose body the service has just read, and sees to its answer. A known one needs no new record,
 * so it is answered even when no other is accepted. Hot.
 */
export function acceptPayment(service: PaymentService, exchange: Asker): void {
  const { id, cents } = service.body;
  const correlationId = formatUuid(id);
  const refusal = service.refusal;
  if (refusal !== undefined && !service.knows(id)) {
    refuse(service, exchange, refusal, correlationId, "no");
    return;
  }
  const result = service.accept();
  if (result !== ACCEPTED_NEW && !service.isCurrent) {
    refuse(service, exchange, "journal_failing", correlationId, "unknown");
    return;
  }
  const known = result === DUPLICATE ? service.view(id) : undefined;
  const ack = new PaymentAck(service, exchange, correlationId, result, known);
  service.tracing?.offered(exchange, result, id, correlationId, cents);
  // Only now: this may commit at once.
  service.whenSafe(ack);
}

/** A payment is not taken, and nobody who knows of it was asked. */
export function refusePayment(exchange: Asker, name: ProblemName, detail: string, accepted: Accepted): void {
  exchange.answer(problemAnswer(paymentUnavailable(name, detail, accepted)));
}

function refuse(
  service: PaymentService,
  exchange: Asker,
  reason: keyof typeof REFUSAL_DETAILS,
  correlationId: string,
  accepted: Accepted,
): void {
  service.refused(reason, correlationId);
  refusePayment(exchange, REFUSAL_PROBLEMS[reason], REFUSAL_DETAILS[reason], accepted);
}
