import type { Ledger } from "../ledger/ledger.ts";
import type { RecordBatch } from "../log/record.ts";
import * as Kind from "../log/record-kind.ts";
import type { Slot } from "../values/number-types.ts";
import * as Outcome from "../values/outcome.ts";
import * as State from "../values/state.ts";
import type { FoundCharge } from "./past-verdict.ts";

/**
 * Appends and applies that the unsettled payment in `slot` was found charged. Where the log does not know of that
 * attempt, a SENT record tells of it first: two records at most.
 */
export function applyFoundCharge(
  ledger: Ledger,
  batch: RecordBatch,
  slot: Slot,
  { processor, requestedAtMs }: FoundCharge,
  nowMs: number,
): void {
  const { rows } = ledger;
  const isBound = rows.state[slot] !== State.PENDING && rows.processor[slot] === processor;
  if (!isBound || rows.requestedAtMs(slot) !== requestedAtMs)
    ledger.record(batch, Kind.SENT, slot, requestedAtMs, processor, Outcome.FOUND, 0);
  ledger.record(batch, Kind.PROCESSED, slot, Math.max(nowMs, requestedAtMs), processor, Outcome.FOUND, 0);
}
