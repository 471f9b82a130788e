import { readSync } from "node:fs";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import { MAX_SEQUENCE } from "../../../core/values/payment-id.ts";
import { KIND_NAMES } from "../names.ts";

const CHUNK_RECORDS = 4096;
/** How far a record is looked for that stands at none of the places where records should be. */
const SHIFT_BYTES_MAX = 1 << 20;
/** How many records at most may be missing where the file was cut and joined. */
const MISSING_MAX = 4096;
const YEAR_2000_MS = 946_684_800_000;

/** A place in a segment: where a record begins, and its number. */
export type Place = { offset: number; lsn: number };

type OnRecord = (batch: RecordBatch, record: number, lsn: number) => void;

/**
 * Reads the sound records of a segment, whatever lies between them. After damage records are found again by their
 * checksum, which is seeded with their number: at their own places as a rule, or anywhere within 1 MiB where bytes were
 * lost or have come in between.
 */
export class SoundRecords {
  readonly #descriptor: number;
  readonly #batch = new RecordBatch(CHUNK_RECORDS);
  readonly #single = new RecordBatch(1);

  /** `processorNumbers`: see RecordBatch. */
  constructor(descriptor: number, processorNumbers: Uint8Array | undefined) {
    this.#descriptor = descriptor;
    this.#batch.processorNumbers = processorNumbers;
  }

  /**
   * Calls back with every sound record from `start` on, and with each stretch that is not sound, if sound records
   * follow it. Returns where the next record would be.
   */
  read(start: Place, onRecord: OnRecord, onDamage: (from: Place, to: Place) => void): Place {
    let place = start;
    let damaged: Place | undefined;
    for (;;) {
      const count = this.#fill(place.offset);
      for (let record = 0; record < count; record++) {
        const here = after(place, record);
        if (!this.#batch.isSound(record, here.lsn)) {
          damaged ??= here;
          continue;
        }
        if (damaged !== undefined) onDamage(damaged, here);
        damaged = undefined;
        onRecord(this.#batch, record, here.lsn);
      }
      place = after(place, count);
      if (count > 0) continue;
      const shifted = damaged && this.#nextShifted(damaged);
      if (damaged === undefined || shifted === undefined) return damaged ?? place;
      onDamage(damaged, shifted);
      place = shifted;
      damaged = undefined;
    }
  }

  /** Whether one of the first records from `place` on is sound. */
  hasSoundNear({ offset, lsn }: Place): boolean {
    const count = this.#fill(offset);
    for (let record = 0; record < count; record++) if (this.#batch.isSound(record, lsn + record)) return true;
    return false;
  }

  /** Looks at every byte of the next 1 MiB, and at numbers from that of the lost record on. */
  #nextShifted(from: Place): Place | undefined {
    const bytes = new Uint8Array(SHIFT_BYTES_MAX);
    const length = readFully(this.#descriptor, bytes, from.offset);
    for (let at = 0; at + RECORD_BYTES <= length; at++) {
      this.#single.bytes.set(bytes.subarray(at, at + RECORD_BYTES));
      this.#single.refill(1);
      if (!isPlausible(this.#single)) continue;
      for (let missing = 0; missing < MISSING_MAX; missing++)
        if (this.#single.isSound(0, from.lsn + missing)) return { offset: from.offset + at, lsn: from.lsn + missing };
    }
    return undefined;
  }

  #fill(offset: number): number {
    const bytes = readFully(this.#descriptor, this.#batch.bytes, offset);
    this.#batch.refill(Math.floor(bytes / RECORD_BYTES));
    return this.#batch.count;
  }
}

function after({ offset, lsn }: Place, count: number): Place {
  return { offset: offset + count * RECORD_BYTES, lsn: lsn + count };
}

/** Cheap, so that checksums are tried only of what looks like a record. */
function isPlausible(batch: RecordBatch): boolean {
  const kind = batch.kind(0);
  if (kind === 0 || kind >= KIND_NAMES.length) return false;
  const sequence = batch.sequence(0);
  const atMs = batch.atMs(0);
  return Number.isInteger(sequence) && sequence >= 0 && sequence <= MAX_SEQUENCE && atMs >= YEAR_2000_MS;
}

function readFully(descriptor: number, bytes: Uint8Array, position: number): number {
  let done = 0;
  for (let read = -1; read !== 0 && done < bytes.length; done += read) {
    read = readSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
  return done;
}
