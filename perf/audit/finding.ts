import type { Charge } from "./processor-admin.ts";
import type { LedgerEntry } from "./service-api.ts";

/**
 *   extra            charged, and the service has never heard of it
 *   not counted      charged, and the service knows it, but not as processed
 *   double charge    charged at another processor as well
 *   wrong processor  charged at this processor, counted at another
 *   amount           charged with another amount than counted
 *   requestedAt      charged under another requestedAt than counted
 *   missing          counted, and charged nowhere; the service cannot list payments, so its correlationId is not known
 *   differs          what the two sides have in this millisecond differs; the processor cannot list its payments
 */
export type FindingKind =
  | "extra"
  | "not counted"
  | "double charge"
  | "wrong processor"
  | "amount"
  | "requestedAt"
  | "missing"
  | "differs";

export type Finding = {
  readonly kind: FindingKind;
  readonly processor: string;
  readonly correlationId: string | null;
  /** The processor's, where it has one. */
  readonly requestedAtMs: number;
  readonly cents: bigint;
  readonly detail: string;
};

/** Whether the service counts this entry at all, and then where and when. */
export function isCounted(
  entry: LedgerEntry | undefined,
): entry is LedgerEntry & { readonly processor: string; readonly requestedAtMs: number } {
  return entry?.state === "processed" && entry.processor !== null && entry.requestedAtMs !== null;
}

/**
 * What is wrong with a charge at the processor, seen from the service's ledger; `undefined` if nothing is.
 * Whether another processor has it as well is not told apart here: see doubleCharge.
 */
export function judgeCharge(processor: string, charge: Charge, entry: LedgerEntry | undefined): Finding | undefined {
  const finding = (kind: FindingKind, detail: string): Finding => ({
    kind,
    processor,
    correlationId: charge.correlationId,
    requestedAtMs: charge.requestedAtMs,
    cents: charge.cents,
    detail,
  });
  if (entry === undefined) return finding("extra", "the service does not know it");
  if (!isCounted(entry)) return finding("not counted", `the service has it as ${entry.state}`);
  if (entry.processor !== processor) return finding("wrong processor", `the service counts it at ${entry.processor}`);
  if (entry.cents !== charge.cents) return finding("amount", `the service counts ${entry.cents} cents`);
  if (entry.requestedAtMs !== charge.requestedAtMs) {
    return finding("requestedAt", `the service counts it at ${new Date(entry.requestedAtMs).toISOString()}`);
  }
  return undefined;
}

/** Takes the place of what judgeCharge has found when other processors turn out to have the payment as well. */
export function doubleCharge(
  processor: string,
  charge: Charge,
  entry: LedgerEntry | undefined,
  others: ReadonlyMap<string, Charge>,
): Finding {
  const counted = isCounted(entry) ? entry.processor : "none of them";
  const places = [...others].map(([name, other]) => `${name} at ${new Date(other.requestedAtMs).toISOString()}`);
  return {
    kind: "double charge",
    processor,
    correlationId: charge.correlationId,
    requestedAtMs: charge.requestedAtMs,
    cents: charge.cents,
    detail: `also at ${places.join(", ")}; the service counts ${counted}`,
  };
}
