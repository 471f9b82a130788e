import type { HttpResponse } from "uWebSockets.js";
import { ACCEPTED_NEW, type AcceptResult, CONFLICT, DUPLICATE } from "../../core/engine.ts";
import { formatUuid, UUID_WORDS } from "../../core/uuid.ts";
import type { Effect } from "../group-commit.ts";
import type { PaymentService } from "../payment-service.ts";
import { unavailable } from "../problem.ts";
import { type Answer, type AnswerWriter, jsonAnswer, problemAnswer } from "./answer.ts";

/** The answer to a payment, given once its record is safe. */
export class PaymentAck implements Effect {
  readonly #service: PaymentService;
  readonly #answers: AnswerWriter;
  readonly #res: HttpResponse;
  readonly #id: Int32Array;
  #result: AcceptResult = ACCEPTED_NEW;
  #isAborted = false;

  private constructor(service: PaymentService, answers: AnswerWriter, res: HttpResponse) {
    this.#service = service;
    this.#answers = answers;
    this.#res = res;
    this.#id = service.body.id.slice(0, UUID_WORDS);
    res.onAborted(() => {
      this.#isAborted = true;
      answers.tracing?.requests.aborted(res);
    });
  }

  /** Accepts the payment whose body the service has just read, and sees to its answer. Hot. */
  static answer(service: PaymentService, answers: AnswerWriter, res: HttpResponse): void {
    const refusal = service.refusal;
    if (refusal !== undefined) {
      answers.write(res, problemAnswer(unavailable(refusal)));
      return;
    }
    const ack = new PaymentAck(service, answers, res);
    ack.#result = service.accept();
    answers.tracing?.offered(res, ack.#result, ack.#id, service.body.cents);
    // Only now: this may commit at once.
    service.whenSafe(ack);
  }

  commit(): void {
    if (this.#isAborted) return;
    if (this.#result === ACCEPTED_NEW) this.#writeAccepted();
    else this.#answers.write(this.#res, this.#otherAnswer());
  }

  abort(): void {
    this.#answers.tracing?.payments.forgotten();
    if (!this.#isAborted) this.#answers.write(this.#res, problemAnswer(unavailable("the journal cannot be written")));
  }

  #writeAccepted(): void {
    const res = this.#res;
    this.#answers.tracing?.requests.answered(res, 202);
    res.cork(() => {
      res.writeStatus("202 Accepted");
      this.#answers.writeShared(res);
      res.writeHeader("Location", `/payments/${formatUuid(this.#id)}`);
      res.endWithoutBody(0);
    });
  }

  #otherAnswer(): Answer {
    if (this.#result === DUPLICATE) return this.#knownPayment();
    if (this.#result === CONFLICT) {
      const detail = `a correlationId stands for one payment with one amount: correlationId=${formatUuid(this.#id)}`;
      return problemAnswer({ status: 409, field: "correlationId", detail });
    }
    return problemAnswer(unavailable("the ledger is full"));
  }

  #knownPayment(): Answer {
    const json = this.#service.view(this.#id);
    // Purged between the request and its answer.
    return json === undefined ? problemAnswer(unavailable("the payment was purged")) : jsonAnswer(json);
  }
}
