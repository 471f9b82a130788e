import { trimmedDecimalText } from "./amount.ts";
import type { Charge } from "./charges.ts";
import { dateTimeText } from "./timestamp.ts";

/** What a processor knows of a payment, as it writes it. */
export type ChargeTexts = {
  readonly correlationId: string;
  readonly amount: string;
  readonly requestedAt: string;
  /** Cut to the whole second. */
  readonly requestedAtSeconds: string;
};

export function chargeJson(charge: Charge): string {
  const { correlationId, amount, requestedAt } = textsOf(charge);
  return `{"correlationId":"${correlationId}","amount":${amount},"requestedAt":"${requestedAt}"}`;
}

export function textsOf({ correlationId, amountCents, requestedAtUs }: Charge): ChargeTexts {
  const requestedAt = dateTimeText(requestedAtUs);
  return {
    correlationId,
    amount: trimmedDecimalText(BigInt(amountCents), 2),
    requestedAt,
    requestedAtSeconds: requestedAt.slice(0, "2025-07-15T12:34:56".length),
  };
}
