import { centsText } from "./amount.ts";
import type { Charge } from "./charges.ts";
import { timestampText } from "./timestamp.ts";

export function chargeJson({ correlationId, amountCents, requestedAtUs }: Charge): string {
  const amount = centsText(amountCents);
  return `{"correlationId":"${correlationId}","amount":${amount},"requestedAt":"${timestampText(requestedAtUs)}"}`;
}
