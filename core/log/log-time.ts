import type { RecordBatch } from "./record.ts";
import * as Kind from "./record-kind.ts";

/**
 * The latest time a log has given out after the records of `batch`, when it was `latestMs` before them. A CLOCK record
 * begins time again. Hot: no allocation.
 */
export function latestTimeAfter(batch: RecordBatch, latestMs: number): number {
  let latest = latestMs;
  for (let record = 0; record < batch.count; record++) latest = latestTime(batch, record, latest);
  return latest;
}

/** The same after a single record. */
export function latestTime(batch: RecordBatch, record: number, latestMs: number): number {
  const atMs = batch.atMs(record);
  return atMs > latestMs || batch.kind(record) === Kind.CLOCK ? atMs : latestMs;
}
