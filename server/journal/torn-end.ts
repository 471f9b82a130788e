import { RECORD_BYTES, type RecordBatch } from "../../core/log/record.ts";
import { type DiskFile, readThere } from "../system/disk.ts";

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

/**
 * Looks at what stands behind the last sound record, which ends at byte `soundBytes`. Returns how many bytes there were
 * never whole: part of a record, or zeros. `damaged`: there is anything else. A step reads as much as the batch holds.
 */
export function* tornBytes(
  file: DiskFile,
  soundBytes: number,
  batch: RecordBatch,
): Generator<void, number | "damaged", void> {
  const total = Math.floor((file.bytes - soundBytes) / RECORD_BYTES) * RECORD_BYTES;
  for (let done = 0; done < total; done += batch.count * RECORD_BYTES) {
    const wanted = Math.min(batch.capacity * RECORD_BYTES, total - done);
    batch.refill(Math.floor(readThere(file, batch.bytes, wanted, soundBytes + done) / RECORD_BYTES));
    if (batch.count === 0) break;
    const isFirstTorn = done === 0 && isTorn(batch, soundBytes);
    for (let record = 0; record < batch.count; record++) {
      if (batch.isZero(record) || (record === 0 && isFirstTorn)) continue;
      return "damaged";
    }
    yield;
  }
  return file.bytes - soundBytes;
}

/** Whether a loss of power kept the first part of the first record, up to a sector's end, and lost the sector after. */
function isTorn(batch: RecordBatch, atByte: number): boolean {
  const untilSector = SECTOR_BYTES - (atByte % SECTOR_BYTES);
  if (untilSector >= RECORD_BYTES) return false;
  return batch.bytes.subarray(untilSector, RECORD_BYTES).every((byte) => byte === 0);
}
