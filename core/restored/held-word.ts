import type { Ledger } from "../ledger/ledger.ts";
import type { RecordBatches } from "../log/record-batches.ts";
import { type HandResult, type HandWord, kindOf } from "../settling/settlement.ts";
import type { Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import { NO_PROCESSOR } from "../values/processor.ts";
import * as State from "../values/state.ts";
import type { HeldPayments } from "./held-payments.ts";

/**
 * An operator's word on a held payment, who has asked every processor:
 *
 *   charged       where and when the log knows it was sent; not taken where the log knows of no such attempt
 *   not charged   by nobody: it is pending, held no longer, and the caller's to queue
 *   failed        it is not to be charged any more
 *
 * Not taken while the processors are being asked about the payment, whose answers may say otherwise, nor while its
 * acceptance can still be taken back.
 */
export function settleHeldByHand(
  ledger: Ledger,
  batches: RecordBatches,
  held: HeldPayments,
  slot: Slot,
  word: HandWord,
  nowMs: number,
): HandResult {
  const { rows } = ledger;
  const isSent = rows.state[slot] === State.IN_DOUBT;
  if (word === "charged" && !isSent) return "at no processor";
  const isWritten = ledger.sequenceOf(slot) < batches.unwrittenFrom(ledger.head);
  if (held.isBeingAsked(slot) || !isWritten) return "being asked about";
  // All of the time in which it may have been charged is dated: until this is written, that may yet come to light.
  const sinceMs = isSent ? rows.requestedAtMs(slot) : Math.min(rows.acceptedAtMs[slot]!, held.options.lostFromMs);
  const processor = isSent ? rows.processor[slot]! : NO_PROCESSOR;
  const elapsedMs = Math.max(0, nowMs - sinceMs);
  ledger.record(batches.current, kindOf(word), slot, nowMs, processor, Outcome.SETTLED_BY_HAND, elapsedMs);
  held.settledByHand(slot);
  return "settled";
}
