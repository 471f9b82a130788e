import { randomUUID } from "node:crypto";
import { requestText } from "./timed-caller.ts";

/** Of every payment: 19.90, as JavaScript writes it. */
export const AMOUNT_TEXT = "19.9";

/** Of a payment with a fresh correlationId, as the contest's load script writes it. */
export function paymentBody(amountText: string = AMOUNT_TEXT): string {
  return `{"correlationId":"${randomUUID()}","amount":${amountText}}`;
}

/**
 * POST /payments with one body after the other; all of them are equally long, and everything but the body is made
 * once.
 */
export function postsWith(target: URL, nextBody: () => string): () => string {
  const body = nextBody();
  const head = requestText(target, { method: "POST", path: "/payments", body }).slice(0, -body.length);
  return () => head + nextBody();
}
