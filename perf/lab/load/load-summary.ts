import { isAccepted, type LoadRecord } from "./load-record.ts";
import { Samples } from "./samples.ts";

export type SecondOfLoad = {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/** One load, but for its first part. */
export type LoadSummary = {
  readonly dueCount: number;
  /** Of the whole load. */
  readonly acceptedCount: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly failedCount: number;
  /** From when an accepted payment was due to its answer: what a caller waits who comes at that time. */
  readonly latencyMs: Samples;
  /** From when it was sent. */
  readonly serviceMs: Samples;
  /** The generator's own: from when a payment was due to its sending. */
  readonly latenessMs: Samples;
  /** By when payments were due, from the end of the first part. */
  readonly seconds: readonly SecondOfLoad[];
};

/** A generator that is later than this at its 99th percentile says more about itself than about the service. */
export const LATENESS_MS_MAX = 2;

export function isGeneratorLate({ latenessMs }: Pick<LoadSummary, "latenessMs">): boolean {
  return latenessMs.at(99) > LATENESS_MS_MAX;
}

/** Counts what was due `fromMs` after the beginning or later. */
export function summarise(record: LoadRecord, fromMs = 0): LoadSummary {
  const { dueMs, sentMs, answeredMs, statuses } = record;
  const from = dueMs.findIndex((due) => due >= fromMs);
  const counted = from < 0 ? dueMs.subarray(dueMs.length) : dueMs.subarray(from);
  const first = dueMs.length - counted.length;
  const times = (of: (request: number) => number): Float64Array =>
    new Float64Array(counted.length).map((_, i) => of(first + i));
  const latencies = times((i) => (isAccepted(statuses[i]!) ? answeredMs[i]! - dueMs[i]! : Number.NaN));
  return {
    dueCount: counted.length,
    acceptedCount: record.acceptedCount,
    failures: record.failures,
    failedCount: record.failedCount,
    latencyMs: new Samples(latencies),
    serviceMs: new Samples(times((i) => (isAccepted(statuses[i]!) ? answeredMs[i]! - sentMs[i]! : Number.NaN))),
    latenessMs: new Samples(times((i) => sentMs[i]! - dueMs[i]!)),
    seconds: bySecond(counted, latencies, fromMs),
  };
}

function bySecond(dueMs: Float64Array, latencies: Float64Array, fromMs: number): SecondOfLoad[] {
  const seconds: SecondOfLoad[] = [];
  let begin = 0;
  while (begin < dueMs.length) {
    let end = begin;
    while (end < dueMs.length && dueMs[end]! < fromMs + (seconds.length + 1) * 1000) end++;
    const samples = new Samples(latencies.subarray(begin, end));
    seconds.push({ p50Ms: samples.at(50), p99Ms: samples.at(99), maxMs: samples.at(100) });
    begin = end;
  }
  return seconds;
}
