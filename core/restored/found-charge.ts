import type { Ledger } from "../ledger/ledger.ts";
import { PROCESSED_AT, type RecordBatch, SENT } from "../log/record.ts";
import { FOUND, PENDING } from "../values/payment.ts";
import type { FoundCharge } from "./past-verdict.ts";

/**
 * Appends and applies that the unsettled payment in `slot` was found charged. Where the log does not know of that
 * attempt, a SENT record tells of it first: two records at most.
 */
export function applyFoundCharge(
  ledger: Ledger,
  batch: RecordBatch,
  slot: number,
  { processor, requestedAtMs }: FoundCharge,
  nowMs: number,
): void {
  const { rows } = ledger;
  const isBound = rows.state[slot] !== PENDING && rows.processor[slot] === processor;
  if (!isBound || rows.requestedAtMs(slot) !== requestedAtMs)
    ledger.record(batch, SENT, slot, requestedAtMs, processor, FOUND, 0);
  ledger.record(batch, PROCESSED_AT, slot, Math.max(nowMs, requestedAtMs), processor, FOUND, 0);
}
