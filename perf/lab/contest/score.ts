import type { PerRole, Totals } from "../../audit/totals.ts";

/** What the contest counts. */
export type Tally = {
  /** Payments answered with 2xx. */
  readonly acceptedCount: number;
  /** By the service's own summary, or by the processors' books: as the script counts. */
  readonly processed: PerRole<Totals>;
  /** Share of every amount. */
  readonly fees: PerRole<number>;
  /** Over all successful HTTP requests. */
  readonly p99Ms: number;
  /** Payments by which the audits differed, all of them together. */
  readonly auditDifferenceCount: number;
};

/** Money in units, shares as fractions. */
export type Score = {
  readonly processedCount: number;
  readonly processedAmount: number;
  /** Accepted and not processed. Below zero it is fraud. */
  readonly lagCount: number;
  readonly feeAmount: number;
  readonly profit: number;
  readonly bonusShare: number;
  readonly bonus: number;
  readonly fineShare: number;
  readonly fine: number;
  readonly score: number;
  /** More processed than accepted: the contest does not score that. */
  readonly isDisqualified: boolean;
};

const BONUS_BELOW_MS = 11;
const BONUS_SHARE_PER_MS = 0.02;
const FINE_SHARE_IF_DIFFERENT = 0.35;
/** Smaller numbers are written with an exponent; to two places they are nothing. */
const ROUNDED_MIN = 1e-6;

export function scoreOf({ acceptedCount, processed, fees, p99Ms, auditDifferenceCount }: Tally): Score {
  const processedCount = processed.default.count + processed.fallback.count;
  const amountOfDefault = Number(processed.default.cents) / 100;
  const amountOfFallback = Number(processed.fallback.cents) / 100;
  const processedAmount = amountOfDefault + amountOfFallback;
  const feeAmount = amountOfDefault * fees.default + amountOfFallback * fees.fallback;
  const profit = processedAmount - feeAmount;
  const bonusShare = Math.max(0, rounded((BONUS_BELOW_MS - rounded(p99Ms)) * BONUS_SHARE_PER_MS));
  const fineShare = auditDifferenceCount > 0 ? FINE_SHARE_IF_DIFFERENT : 0;
  const bonus = profit * bonusShare;
  const fine = profit * fineShare;
  const isDisqualified = processedCount > acceptedCount;
  return {
    processedCount,
    processedAmount,
    lagCount: acceptedCount - processedCount,
    feeAmount,
    profit,
    bonusShare,
    bonus,
    fineShare,
    fine,
    score: isDisqualified ? 0 : profit + bonus - fine,
    isDisqualified,
  };
}

/** As the contest's scripts round p99 and bonus (by big.js): as it is written, to two decimals, halves up. */
function rounded(value: number): number {
  return Math.abs(value) < ROUNDED_MIN ? 0 : Math.round(Number(`${value}e2`)) / 100;
}
