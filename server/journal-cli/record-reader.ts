import { closeSync, openSync, readSync } from "node:fs";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";

const CHUNK_RECORDS = 4096;

/**
 * Calls back with the whole records of a file, chunk by chunk, sound or not; `first` is the number of a chunk's first
 * record within the file, whose header has `headerBytes`. Ends early when `onBatch` returns false, or when the file has
 * meanwhile become shorter.
 */
export function readRecords(
  path: string,
  headerBytes: number,
  onBatch: (batch: RecordBatch, first: number) => boolean,
): void {
  const batch = new RecordBatch(CHUNK_RECORDS);
  const descriptor = openSync(path, "r");
  try {
    for (let first = 0; ; first += batch.count) {
      const bytes = readFully(descriptor, batch.bytes, headerBytes + first * RECORD_BYTES);
      batch.refill(Math.floor(bytes / RECORD_BYTES));
      if (batch.count === 0 || !onBatch(batch, first)) return;
    }
  } finally {
    closeSync(descriptor);
  }
}

function readFully(descriptor: number, bytes: Uint8Array, position: number): number {
  let done = 0;
  for (let read = -1; read !== 0 && done < bytes.length; done += read) {
    read = readSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
  return done;
}
