import type { Ledger } from "../../core/ledger/ledger.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";
import * as State from "../../core/values/state.ts";
import { UUID_WORDS } from "../../core/values/uuid.ts";
import { newRow } from "./identity.ts";
import type { PaymentRow } from "./payment-table.ts";

/** The row of a payment as a ledger has it. `names`: of the processors, by the ledger's numbers. */
export function rowOf(ledger: Ledger, sequence: number, partition: number, names: readonly string[]): PaymentRow {
  const { rows } = ledger;
  const slot = ledger.slotOf(sequence);
  const words = Int32Array.from({ length: UUID_WORDS }, (_, word) => rows.correlationIds[slot * UUID_WORDS + word]!);
  const state = rows.state[slot]!;
  const processor = rows.processor[slot]!;
  const isAtNone = processor === NO_PROCESSOR;
  return {
    ...newRow({ partition, sequence }, words, rows.cents[slot]!, rows.acceptedAtMs[slot]!),
    state: State.NAMES[state]!,
    processor: isAtNone ? undefined : (names[processor] ?? `#${processor}`),
    requestedAtMs: isAtNone ? undefined : rows.requestedAtMs(slot),
    processedAtMs: state === State.PROCESSED ? rows.processedAtMs(slot) : undefined,
    attempts: rows.attemptCount[slot]!,
  };
}
