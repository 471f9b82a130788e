import { MAX_DELTA_MS } from "../../core/ledger/payment-rows.ts";
import type { Testimony } from "../../core/restored/past-verdict.ts";
import { isWithinTolerance, TOLERANCE_MS, type Told, type ToldCharge } from "../sending/told-charge.ts";

/** What a log with lost records knows of a payment. */
export type Remembered = {
  cents: number;
  acceptedAtMs: number;
  /** The attempt that may be out at the processor asked, if the log knows of one there. */
  sentAtMs: number | undefined;
  /** The latest time before the records that are lost. */
  lostFromMs: number;
  /** Now. */
  nowMs: number;
};

/**
 * What a processor's answer to a lookup says of a payment whose records may be lost.
 *
 *   told                                                      says
 *   404                                                       absent
 *   nothing, or nothing that can be read                      unknown
 *   another amount                                            foreign
 *   the time we remember having sent, within a second         charged, at exactly that time
 *   a time before acceptance, and before the lost records     foreign: no life of ours can have sent it
 *   a time later than any payment waits                       foreign
 *   a time in the future                                      unknown: a clock is wrong, and time will tell
 *   any other time                                            charged, at that time
 *
 * A payment that the log has from before the loss was not sent before it was accepted, and one that was accepted after
 * it, which may repeat a lost one, not before the loss: where a told time is so much coarser, that moment counts. The
 * watermark stands there, and is not overtaken.
 */
export function testimonyOf(told: Told, payment: Remembered): Testimony {
  if (told.kind === "not found") return { kind: "absent" };
  if (told.kind !== "charge") return { kind: "unknown" };
  const { charge } = told;
  const { sentAtMs, nowMs } = payment;
  if (charge.cents !== payment.cents) return { kind: "foreign" };
  if (sentAtMs !== undefined && isWithinTolerance(charge, sentAtMs))
    return { kind: "charged", requestedAtMs: sentAtMs };
  if (!canBeOurs(charge, payment)) return { kind: "foreign" };
  const isFuture = charge.requestedAtMs + (charge.hasMore ? 1 : 0) > nowMs;
  return isFuture ? { kind: "unknown" } : { kind: "charged", requestedAtMs: timeOf(charge, payment) };
}

function canBeOurs({ requestedAtMs }: ToldCharge, { acceptedAtMs, lostFromMs }: Remembered): boolean {
  const earliestMs = Math.min(acceptedAtMs, lostFromMs) - TOLERANCE_MS;
  return requestedAtMs >= earliestMs && requestedAtMs <= acceptedAtMs + MAX_DELTA_MS;
}

function timeOf({ requestedAtMs }: ToldCharge, { acceptedAtMs, lostFromMs }: Remembered): number {
  return Math.max(requestedAtMs, Math.min(acceptedAtMs, lostFromMs));
}
