import type { LoadRecord } from "./load-record.ts";
import { Samples } from "./samples.ts";
import { bySecond, type Second } from "./seconds.ts";

/** One load, but for its first part. */
export type LoadSummary = {
  readonly dueCount: number;
  /** Of the whole load. */
  readonly acceptedCount: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly failedCount: number;
  /** From when an accepted payment was due to its answer: what a caller waits who comes at that time. */
  readonly latencyMs: Samples;
  /** From the first byte of an accepted payment sent to the last byte of its answer read. */
  readonly serviceMs: Samples;
  /** The generator's own: from when a payment was due to its sending. */
  readonly latenessMs: Samples;
  /** By when payments were due, from the end of the first part. */
  readonly seconds: readonly Second[];
};

/** A generator that is later than this at its 99th percentile says more about itself than about the service. */
export const LATENESS_MS_MAX = 2;

export function isGeneratorLate({ latenessMs }: Pick<LoadSummary, "latenessMs">): boolean {
  return latenessMs.at(99) > LATENESS_MS_MAX;
}

/** Counts what was due `fromMs` after the beginning or later. The record is in the order in which payments were due. */
export function summarise(record: LoadRecord, fromMs = 0): LoadSummary {
  const { dueMs, sentMs, endedMs, durationsMs } = record;
  const from = dueMs.findIndex((due) => due >= fromMs);
  const counted = (times: Float64Array): Float64Array => times.subarray(from < 0 ? record.count : from);
  const latencies = counted(record.times((i) => endedMs[i]! - dueMs[i]!));
  return {
    dueCount: latencies.length,
    acceptedCount: record.acceptedCount,
    failures: record.failures,
    failedCount: record.failedCount,
    latencyMs: new Samples(latencies),
    serviceMs: new Samples(counted(record.times((i) => durationsMs[i]!))),
    latenessMs: new Samples(counted(sentMs.map((sent, i) => sent - dueMs[i]!))),
    seconds: bySecond(counted(dueMs.map((due) => due - fromMs)), latencies),
  };
}
