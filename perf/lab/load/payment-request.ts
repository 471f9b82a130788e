import { randomUUID } from "node:crypto";
import { requestText } from "./timed-caller.ts";

/** Of every payment: 19.90, as JavaScript writes it. */
const amountText = "19.9";
const bodyPrefix = '{"correlationId":"';
const bodySuffix = `","amount":${amountText}}`;

/** Requests to pay, each with a fresh correlationId; all but that is made once. */
export function paymentRequests(target: URL): () => string {
  const body = bodyPrefix + randomUUID() + bodySuffix;
  const sample = requestText(target, { method: "POST", path: "/payments", body });
  const head = sample.slice(0, sample.indexOf(bodyPrefix) + bodyPrefix.length);
  return () => head + randomUUID() + bodySuffix;
}
