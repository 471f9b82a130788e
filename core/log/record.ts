import type { OutcomeCode, ReadColumn, Sequence, Slot } from "../values/number-types.ts";
import type { ReasonCode } from "../values/reason.ts";
import { xxHash32 } from "./checksum.ts";
import * as Kind from "./record-kind.ts";

/**
 * The records: every change of the ledger is one of these, of fixed size, little-endian, 8-byte aligned, so that a
 * batch of them is at once what is applied to memory and what is written to a log.
 *
 *   byte 0         4      5           6         7    8            16       24             40        44          48
 *        ┌─────────┬──────┬───────────┬─────────┬────┬────────────┬────────┬──────────────┬─────────┬───────────┐
 *        │ checksum│ kind │ processor │ outcome │ 0  │ sequence   │ at ms  │ correlationId│ cents   │ elapsed ms│
 *        │ u32     │ u8   │ u8        │ u8      │ u8 │ f64        │ f64    │ 4 × i32      │ u32     │ u32       │
 *        └─────────┴──────┴───────────┴─────────┴────┴────────────┴────────┴──────────────┴─────────┴───────────┘
 *
 *   kind       means                                                   uses
 *   ACCEPTED   the payment exists and is pending                       at = acceptedAt, correlationId, cents
 *   SENDING    about to be handed to a processor                       at = requestedAt, but see below; processor,
 *                                                                      outcome: the reason (reason.ts)
 *   REFUSED    certainly not charged there: pending again              at, outcome, elapsed
 *   DOUBTED    nobody knows whether it is charged there                at, outcome, elapsed
 *   PROCESSED  charged at the processor and requestedAt of SENDING     at = processedAt, outcome, elapsed
 *   FAILED     will never be charged by us                             at, outcome, elapsed
 *   PURGED     every payment before `sequence` is gone                 at
 *   EVICTED    the same by retention: every one of them had ended      at
 *   WATERMARK  no later watermark than `at` was given out so far       at
 *   CLOCK      an operator set time back: it begins again at `at`      at
 *   SENT       was handed to a processor in a life whose records are   at = requestedAt, processor, outcome: how it
 *              lost: supersedes what is known of a payment not settled came to light
 *
 * A payment accepted in a time that was set back since is requested at its acceptedAt, which is later than the SENDING
 * record's `at`. `elapsed` is the duration of the attempt that ended, so it began at `at − elapsed`.
 *
 * Records are numbered from the journal's first: the log sequence number, LSN. The checksum is xxHash32 over bytes 4 …
 * 47 with the low 32 bits of the LSN as seed, so a sound record at the wrong place is no sound record.
 */
export const RECORD_BYTES = 48;

/** Records a batch of an engine holds; its owner writes it out at the latest when it is half full. */
export const BATCH_RECORDS = 4096;

const RECORD_WORDS = RECORD_BYTES / 4;
const RECORD_DOUBLES = RECORD_BYTES / 8;
const KIND_BYTE = 4;
const PROCESSOR_BYTE = 5;
const OUTCOME_BYTE = 6;
const ATTEMPTS_BYTE = 7;
const REQUESTED_AFTER_WORD = 4;
const PROCESSED_AFTER_WORD = 5;
const SEQUENCE_DOUBLE = 1;
const AT_DOUBLE = 2;
const ID_WORD = 6;
const CENTS_WORD = 10;
const ELAPSED_WORD = 11;
/** In a row of a checkpoint, which has no duration. */
const FLAGS_WORD = 11;
/** The payment is in doubt and nothing of it is under way. Rows of version 1 lack it: there every doubt may land. */
const ENDED_FLAG = 1;
const REJECTIONS_SHIFT = 8;
const REASON_SHIFT = 16;
const MAX_U32 = 0xffffffff;

/**
 * The columns of payments as a checkpoint keeps them, to be filled from one; see PaymentRows. A row is a record whose
 * kind is the payment's state, with its attempt count in byte 7:
 *
 *   byte 4         5           6         7          8             16               20               24
 *        ┌─────────┬───────────┬─────────┬──────────┬─────────────┬────────────────┬────────────────┐
 *        │ state   │ processor │ outcome │ attempts │ accepted ms │ requested − ms │ processed − ms │
 *        │ u8      │ u8        │ u8      │ u8       │ f64         │ u32            │ u32            │
 *        └─────────┴───────────┴─────────┴──────────┴─────────────┴────────────────┴────────────────┘
 *        24             40      44                 45           46       47     48
 *        ┌──────────────┬───────┬──────────────────┬────────────┬────────┬──────┐
 *        │ correlationId│ cents │ 1: attempt ended │ rejections │ reason │ 0    │
 *        │ 4 × i32      │ u32   │ u8               │ u8         │ u8     │ u8   │
 *        └──────────────┴───────┴──────────────────┴────────────┴────────┴──────┘
 */
export type RowColumns = {
  readonly correlationIds: Int32Array;
  readonly acceptedAtMs: Float64Array;
  readonly cents: Uint32Array;
  readonly state: Uint8Array;
  readonly processor: Uint8Array;
  readonly outcome: Uint8Array;
  readonly attemptCount: Uint8Array;
  readonly mayLand: Uint8Array;
  readonly rejectionCount: Uint8Array;
  readonly reason: Uint8Array;
  readonly requestedAfterMs: Uint32Array;
  readonly processedAfterMs: Uint32Array;
  open(slot: Slot, atMs: number, cents: number, state: number): void;
};

/** The same, to be read. */
export type RowSource = { readonly [column in Exclude<keyof RowColumns, "open">]: ReadColumn };

/** A fixed number of records in one buffer. `record` below is always an index from 0. */
export class RecordBatch {
  readonly bytes: Uint8Array;
  readonly capacity: number;
  /** Today's numbers of processors by those in the bytes, where these were written under others. */
  processorNumbers: Uint8Array | undefined;
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

  get isHalfFull(): boolean {
    return this.#count * 2 >= this.capacity;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Says that `count` records now stand in `bytes`, which the caller has filled. */
  refill(count: number): void {
    this.#count = count;
  }

  /** Keeps only the records that `isKept` names, in their order. */
  retain(isKept: (record: number) => boolean): void {
    let kept = 0;
    for (let record = 0; record < this.#count; record++) {
      if (!isKept(record)) continue;
      this.bytes.copyWithin(kept * RECORD_BYTES, record * RECORD_BYTES, (record + 1) * RECORD_BYTES);
      kept++;
    }
    this.#count = kept;
  }

  /** Writes the checksums of all records; the first of them has number `firstLsn`. Hot: no allocation. */
  seal(firstLsn: number): void {
    for (let record = 0; record < this.#count; record++) {
      this.#words[record * RECORD_WORDS] = this.#checksum(record, firstLsn + record);
    }
  }

  /** Whether the record is as it was sealed, and at its place. */
  isSound(record: number, lsn: number): boolean {
    return this.#words[record * RECORD_WORDS] === this.#checksum(record, lsn);
  }

  /** As it was sealed: no two records of a log have the same at the same place, as good as certainly. */
  sealOf(record: number): number {
    return this.#words[record * RECORD_WORDS]!;
  }

  /** A place that was never written: file systems may show one after a power loss. */
  isZero(record: number): boolean {
    const start = record * RECORD_WORDS;
    for (let word = start; word < start + RECORD_WORDS; word++) if (this.#words[word] !== 0) return false;
    return true;
  }

  /**
   * Appends a record and returns its index; throws when the batch is full (its owner empties it in time). Hot: no
   * allocation.
   */
  append(
    kind: number,
    sequence: Sequence,
    atMs: number,
    processor: number,
    outcome: OutcomeCode,
    elapsedMs: number,
  ): number {
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
  appendAccepted(sequence: Sequence, atMs: number, words: ArrayLike<number>, at: number, cents: number): number {
    const record = this.append(Kind.ACCEPTED, sequence, atMs, 0, 0, 0);
    const word = record * RECORD_WORDS;
    for (let i = 0; i < 4; i++) this.#words[word + ID_WORD + i] = words[at + i]!;
    this.#unsigned[word + CENTS_WORD] = cents;
    return record;
  }

  /** Appends a record of another batch as it is, but about another sequence. Returns its index. */
  appendCopy(from: RecordBatch, record: number, sequence: Sequence): number {
    const copy = this.append(from.kind(record), sequence, 0, 0, 0, 0);
    this.bytes.set(from.bytes.subarray(record * RECORD_BYTES, (record + 1) * RECORD_BYTES), copy * RECORD_BYTES);
    this.bytes[copy * RECORD_BYTES + PROCESSOR_BYTE] = from.processor(record);
    this.#doubles[copy * RECORD_DOUBLES + SEQUENCE_DOUBLE] = sequence;
    return copy;
  }

  /** Appends a SLICE record; see checkpoint.ts. */
  appendSlice(fromSequence: number, asOfLsn: number, rowCount: number): void {
    const record = this.append(Kind.SLICE, fromSequence, asOfLsn, 0, 0, 0);
    this.#unsigned[record * RECORD_WORDS + CENTS_WORD] = rowCount;
  }

  /** Appends the payment in `slot`, whole, as a row of a checkpoint. */
  appendRow(rows: RowSource, slot: Slot): void {
    const record = this.append(
      rows.state[slot]!,
      rows.acceptedAtMs[slot]!,
      0,
      rows.processor[slot]!,
      rows.outcome[slot]!,
      0,
    );
    const word = record * RECORD_WORDS;
    this.bytes[record * RECORD_BYTES + ATTEMPTS_BYTE] = rows.attemptCount[slot]!;
    this.#unsigned[word + REQUESTED_AFTER_WORD] = rows.requestedAfterMs[slot]!;
    this.#unsigned[word + PROCESSED_AFTER_WORD] = rows.processedAfterMs[slot]!;
    for (let i = 0; i < 4; i++) this.#words[word + ID_WORD + i] = rows.correlationIds[slot * 4 + i]!;
    this.#unsigned[word + CENTS_WORD] = rows.cents[slot]!;
    const endedFlag = rows.mayLand[slot] === 0 ? ENDED_FLAG : 0;
    this.#unsigned[word + FLAGS_WORD] =
      endedFlag | (rows.rejectionCount[slot]! << REJECTIONS_SHIFT) | (rows.reason[slot]! << REASON_SHIFT);
  }

  /** Writes a row of a checkpoint back into `slot`. */
  restoreRow(record: number, rows: RowColumns, slot: Slot): void {
    const word = record * RECORD_WORDS;
    rows.open(slot, this.sequence(record), this.cents(record), this.kind(record));
    rows.processor[slot] = this.processor(record);
    rows.outcome[slot] = this.outcome(record);
    rows.attemptCount[slot] = this.bytes[record * RECORD_BYTES + ATTEMPTS_BYTE]!;
    rows.requestedAfterMs[slot] = this.#unsigned[word + REQUESTED_AFTER_WORD]!;
    rows.processedAfterMs[slot] = this.#unsigned[word + PROCESSED_AFTER_WORD]!;
    const flags = this.#unsigned[word + FLAGS_WORD]!;
    rows.mayLand[slot] = flags & ENDED_FLAG ? 0 : 1;
    rows.rejectionCount[slot] = (flags >>> REJECTIONS_SHIFT) & 0xff;
    rows.reason[slot] = this.rowReason(record);
    this.copyId(record, rows.correlationIds, slot * 4);
  }

  kind(record: number): number {
    return this.bytes[record * RECORD_BYTES + KIND_BYTE]!;
  }

  processor(record: number): number {
    const written = this.bytes[record * RECORD_BYTES + PROCESSOR_BYTE]!;
    return this.processorNumbers === undefined ? written : this.processorNumbers[written]!;
  }

  outcome(record: number): OutcomeCode {
    return this.bytes[record * RECORD_BYTES + OUTCOME_BYTE]!;
  }

  sequence(record: number): Sequence {
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

  /** Of a row of a checkpoint: why its payment was sent to its processor. */
  rowReason(record: number): ReasonCode {
    return (this.#unsigned[record * RECORD_WORDS + FLAGS_WORD]! >>> REASON_SHIFT) & 0xff;
  }

  #checksum(record: number, lsn: number): number {
    return xxHash32(this.#words, record * RECORD_WORDS + 1, RECORD_WORDS - 1, lsn | 0);
  }

  /** Copies the correlationId into out[at … at+3]. */
  copyId(record: number, out: Int32Array, at: number): void {
    const word = record * RECORD_WORDS + ID_WORD;
    for (let i = 0; i < 4; i++) out[at + i] = this.#words[word + i]!;
  }
}
