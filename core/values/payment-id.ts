import { hashUuid } from "./hash.ts";

/**
 * A payment id is a UUIDv7 (RFC 9562 §5.7) that carries the payment's own place, so that finding a payment by its id
 * needs no index:
 *
 *   word 0             word 1                        word 2                        word 3
 *   ┌─────────────────┬───────────┬───┬─────────────┬──┬─────────────┬──────────┬──────────┬──────────┐
 *   │ acceptedAt ms,  │ its low   │ 7 │ sequence,   │10│ sequence,   │ check,   │ partition│ check,   │
 *   │ high 32 bits    │ 16        │   │ high 12     │  │ low 28      │ high 2   │ 8        │ low 24   │
 *   └─────────────────┴───────────┴───┴─────────────┴──┴─────────────┴──────────┴──────────┴──────────┘
 *
 * Ids of one partition are ordered by time and, within a millisecond, by sequence. The check bits are a hash of the
 * correlationId: an id that merely looks like one of ours finds nothing.
 */
export const MAX_SEQUENCE = 2 ** 40 - 1;
export const MAX_PARTITIONS = 256;

const TWO_32 = 2 ** 32;
const TWO_28 = 2 ** 28;

/** Writes the id into out[0 … 3]. `correlation` holds the correlationId in words[at … at+3]. */
export function encodePaymentId(
  out: Int32Array,
  acceptedAtMs: number,
  sequence: number,
  partition: number,
  correlation: ArrayLike<number>,
  at: number,
): void {
  const check = checkBits(correlation, at);
  out[0] = Math.floor(acceptedAtMs / 0x10000) | 0;
  out[1] = ((acceptedAtMs % 0x10000) << 16) | 0x7000 | Math.floor(sequence / TWO_28);
  out[2] = 0x80000000 | ((sequence % TWO_28) << 2) | (check >>> 24);
  out[3] = (partition << 24) | (check & 0xffffff);
}

/** The sequence an id carries; meaningless unless the id is one of ours (compare with encodePaymentId). */
export function sequenceOfPaymentId(id: Int32Array): number {
  return (id[1]! & 0xfff) * TWO_28 + ((id[2]! >>> 2) & 0xfffffff);
}

/** The partition an id carries, 0 … 255. */
export function partitionOfPaymentId(id: Int32Array): number {
  return id[3]! >>> 24;
}

export function acceptedAtMsOfPaymentId(id: Int32Array): number {
  return (((id[0]! >>> 0) * 0x10000) % (TWO_32 * 0x10000)) + (id[1]! >>> 16);
}

function checkBits(words: ArrayLike<number>, at: number): number {
  return hashUuid(0x9e3779b9, words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!) & 0x3ffffff;
}
