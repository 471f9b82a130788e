import { randomUUID } from "node:crypto";
import { requestText } from "./timed-caller.ts";

/** Of every payment: 19.90, as JavaScript writes it. */
const AMOUNT_TEXT = "19.9";
const BODY_PREFIX = '{"correlationId":"';
const BODY_SUFFIX = `","amount":${AMOUNT_TEXT}}`;

/** Requests to pay, each with a fresh correlationId; all but that is made once. */
export function paymentRequests(target: URL): () => string {
  const body = BODY_PREFIX + randomUUID() + BODY_SUFFIX;
  const sample = requestText(target, { method: "POST", path: "/payments", body });
  const head = sample.slice(0, sample.indexOf(BODY_PREFIX) + BODY_PREFIX.length);
  return () => head + randomUUID() + BODY_SUFFIX;
}
