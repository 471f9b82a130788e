/**
 * The records: every change of the ledger is one of these, of fixed size, little-endian, 8-byte aligned, so that a batch of
 * them is at once what is applied to memory and what is written to a log.
 *
 *   byte 0         4      5           6         7    8            16       24             40        44          48
 *        ┌─────────┬──────┬───────────┬─────────┬────┬────────────┬────────┬──────────────┬─────────┬───────────┐
 *        │ checksum│ kind │ processor │ outcome │ 0  │ sequence   │ at ms  │ correlationId│ cents   │ elapsed ms│
 *        │ u32     │ u8   │ u8        │ u8      │ u8 │ f64        │ f64    │ 4 × i32      │ u32     │ u32       │
 *        └─────────┴──────┴───────────┴─────────┴────┴────────────┴────────┴──────────────┴─────────┴───────────┘
 *
 *   kind       means                                                   uses
 *   ACCEPTED   the payment exists and is pending                       at = acceptedAt, correlationId, cents
 *   SENDING    about to be handed to a processor                       at = requestedAt, processor
 *   REFUSED    that attempt was certainly not charged: pending again   at, outcome, elapsed
 *   DOUBTED    nobody knows whether the attempt is charged             at, outcome, elapsed
 *   PROCESSED  charged at the processor and requestedAt of SENDING     at = processedAt, outcome, elapsed
 *   FAILED     will never be charged by us                             at, outcome, elapsed
 *   PURGED     every payment before `sequence` is gone                 at
 *
 * `elapsed` is the duration of the attempt that ended, so it began at `at − elapsed`. The checksum is the log writer's to fill.
 */
export const RECORD_BYTES = 48;

export const ACCEPTED = 1;
export const SENDING_TO = 2;
export const REFUSED = 3;
export const DOUBTED = 4;
export const PROCESSED_AT = 5;
export const FAILED_AT = 6;
export const PURGED = 7;

const RECORD_WORDS = RECORD_BYTES / 4;
const RECORD_DOUBLES = RECORD_BYTES / 8;
const KIND_BYTE = 4;
const PROCESSOR_BYTE = 5;
const OUTCOME_BYTE = 6;
const SEQUENCE_DOUBLE = 1;
const AT_DOUBLE = 2;
const ID_WORD = 6;
const CENTS_WORD = 10;
const ELAPSED_WORD = 11;
const MAX_U32 = 0xffffffff;

/** A fixed number of records in one buffer. `record` below is always an index from 0. */
export class RecordBatch {
  readonly bytes: Uint8Array;
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #unsigned: Uint32Array;
  readonly #doubles: Float64Array;
  #count = 0;

  constructor(capacity: number) {
    const buffer = new ArrayBuffer(capacity * RECORD_BYTES);
    this.capacity = capacity;
    this.bytes = new Uint8Array(buffer);
    this.#words = new Int32Array(buffer);
    this.#unsigned = new Uint32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Appends a record and returns its index; throws when the batch is full (its owner empties it in time). Hot: no allocation. */
  append(kind: number, sequence: number, atMs: number, processor: number, outcome: number, elapsedMs: number): number {
    const record = this.#count;
    if (record === this.capacity) throw new Error(`a record batch never overflows: capacity=${this.capacity}`);
    this.#count = record + 1;
    const byte = record * RECORD_BYTES;
    this.bytes.fill(0, byte, byte + RECORD_BYTES);
    this.bytes[byte + KIND_BYTE] = kind;
    this.bytes[byte + PROCESSOR_BYTE] = processor;
    this.bytes[byte + OUTCOME_BYTE] = outcome;
    this.#doubles[record * RECORD_DOUBLES + SEQUENCE_DOUBLE] = sequence;
    this.#doubles[record * RECORD_DOUBLES + AT_DOUBLE] = atMs;
    this.#unsigned[record * RECORD_WORDS + ELAPSED_WORD] = Math.min(elapsedMs, MAX_U32);
    return record;
  }

  /** Appends an ACCEPTED record with the correlationId of words[at … at+3]. Hot: no allocation. */
  appendAccepted(sequence: number, atMs: number, words: Int32Array, at: number, cents: number): number {
    const record = this.append(ACCEPTED, sequence, atMs, 0, 0, 0);
    const word = record * RECORD_WORDS;
    for (let i = 0; i < 4; i++) this.#words[word + ID_WORD + i] = words[at + i]!;
    this.#unsigned[word + CENTS_WORD] = cents;
    return record;
  }

  kind(record: number): number {
    return this.bytes[record * RECORD_BYTES + KIND_BYTE]!;
  }

  processor(record: number): number {
    return this.bytes[record * RECORD_BYTES + PROCESSOR_BYTE]!;
  }

  outcome(record: number): number {
    return this.bytes[record * RECORD_BYTES + OUTCOME_BYTE]!;
  }

  sequence(record: number): number {
    return this.#doubles[record * RECORD_DOUBLES + SEQUENCE_DOUBLE]!;
  }

  atMs(record: number): number {
    return this.#doubles[record * RECORD_DOUBLES + AT_DOUBLE]!;
  }

  cents(record: number): number {
    return this.#unsigned[record * RECORD_WORDS + CENTS_WORD]!;
  }

  elapsedMs(record: number): number {
    return this.#unsigned[record * RECORD_WORDS + ELAPSED_WORD]!;
  }

  /** Copies the correlationId into out[at … at+3]. */
  copyId(record: number, out: Int32Array, at: number): void {
    const word = record * RECORD_WORDS + ID_WORD;
    for (let i = 0; i < 4; i++) out[at + i] = this.#words[word + i]!;
  }
}
