import { encodePaymentId } from "../../core/values/payment-id.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, parseUuidText, UUID_WORDS } from "../../core/values/uuid.ts";
import type { PaymentKey, PaymentRow } from "./payment-table.ts";

/** Of a payment that was just accepted. `words`: its correlationId. */
export function newRow(key: PaymentKey, words: Int32Array, cents: number, acceptedAtMs: number): PaymentRow {
  return {
    ...key,
    correlationId: formatUuid(words),
    paymentId: paymentIdOf(key, words, acceptedAtMs),
    cents,
    state: State.NAMES[State.PENDING],
    processor: undefined,
    acceptedAtMs,
    requestedAtMs: undefined,
    processedAtMs: undefined,
    attempts: 0,
  };
}

/** The payment id has the time of acceptance in it. */
export function withAcceptedAt(row: PaymentRow, acceptedAtMs: number): PaymentRow {
  if (acceptedAtMs === row.acceptedAtMs) return row;
  const words = new Int32Array(UUID_WORDS);
  parseUuidText(row.correlationId, words);
  return { ...row, acceptedAtMs, paymentId: paymentIdOf(row, words, acceptedAtMs) };
}

function paymentIdOf({ partition, sequence }: PaymentKey, words: Int32Array, acceptedAtMs: number): string {
  const id = new Int32Array(UUID_WORDS);
  encodePaymentId(id, acceptedAtMs, sequence, partition, words, 0);
  return formatUuid(id);
}
