import { ACCEPTED_NEW, CONFLICT, DUPLICATE } from "../../core/engine.ts";
import { formatUuid } from "../../core/uuid.ts";
import type { PaymentService } from "../payment-service.ts";
import { unavailable } from "../problem.ts";
import { type Answer, jsonAnswer, problemAnswer } from "./answer.ts";

/** Accepts the payment whose body was just read, and says what is to be answered: undefined for 202, the hot case. */
export function acceptPayment(service: PaymentService): Answer | undefined {
  const result = service.accept();
  if (result === ACCEPTED_NEW) return undefined;
  if (result === DUPLICATE) return jsonAnswer(service.view(service.body.id)!);
  if (result === CONFLICT) {
    const correlationId = formatUuid(service.body.id);
    const detail = `a correlationId stands for one payment with one amount: correlationId=${correlationId}`;
    return problemAnswer({ status: 409, field: "correlationId", detail });
  }
  return problemAnswer(unavailable(service.isClosing ? "shutting down" : "the ledger is full"));
}

export function paymentLocation(service: PaymentService): string {
  return `/payments/${formatUuid(service.body.id)}`;
}
