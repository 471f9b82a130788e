import type { LoadRecord } from "../load/load-record.ts";
import { Samples } from "../load/samples.ts";

/** One second of the load, by when payments were due. */
export type OverloadSecond = {
  /** From the beginning of the overload; negative before it. */
  readonly second: number;
  readonly dueCount: number;
  readonly acceptedCount: number;
  readonly refusedCount: number;
  readonly acceptedP50Ms: number;
  readonly acceptedP99Ms: number;
  readonly refusedP99Ms: number;
};

/** A stretch of the load at one rate. */
export type Stage = {
  readonly durationMs: number;
  readonly dueCount: number;
  readonly acceptedMs: Samples;
  readonly refusedMs: Samples;
  /** Of the generator itself: from when a payment was due to its sending. */
  readonly latenessMs: Samples;
};

export type Stages = {
  readonly calm: Stage;
  readonly overload: Stage;
  /** From one second after the overload on. */
  readonly after: Stage;
  readonly seconds: readonly OverloadSecond[];
};

export type StageTimes = {
  readonly leadInMs: number;
  readonly calmMs: number;
  readonly durationMs: number;
};

const UNAVAILABLE = 503;
/** Then the service is to be as fast as before. */
const RELIEF_MS = 1000;

/** Takes a load's record apart. Times count from when a payment was due to its answer. */
export function summariseStages(record: LoadRecord, { leadInMs, calmMs, durationMs }: StageTimes): Stages {
  const overloadFromMs = leadInMs + calmMs;
  const overloadToMs = overloadFromMs + durationMs;
  const endMs = overloadToMs + calmMs;
  const stage = (fromMs: number, toMs: number): Stage => stageOf(record, fromMs, toMs);
  const seconds: OverloadSecond[] = [];
  for (let fromMs = overloadFromMs - calmMs; fromMs < endMs; fromMs += 1000) {
    const { dueCount, acceptedMs, refusedMs } = stage(fromMs, Math.min(fromMs + 1000, endMs));
    seconds.push({
      second: (fromMs - overloadFromMs) / 1000,
      dueCount,
      acceptedCount: acceptedMs.count,
      refusedCount: refusedMs.count,
      acceptedP50Ms: acceptedMs.at(50),
      acceptedP99Ms: acceptedMs.at(99),
      refusedP99Ms: refusedMs.at(99),
    });
  }
  return {
    calm: stage(leadInMs, overloadFromMs),
    overload: stage(overloadFromMs, overloadToMs),
    after: stage(overloadToMs + RELIEF_MS, endMs),
    seconds,
  };
}

function stageOf(record: LoadRecord, fromMs: number, toMs: number): Stage {
  const { dueMs, sentMs, endedMs, statuses } = record;
  const from = firstDue(dueMs, fromMs);
  const to = firstDue(dueMs, toMs);
  const times = (isWanted: (status: number) => boolean): Float64Array => {
    const all = new Float64Array(to - from);
    for (let i = from; i < to; i++) all[i - from] = isWanted(statuses[i]!) ? endedMs[i]! - dueMs[i]! : Number.NaN;
    return all;
  };
  return {
    durationMs: toMs - fromMs,
    dueCount: to - from,
    acceptedMs: new Samples(times((status) => status >= 200 && status < 300)),
    refusedMs: new Samples(times((status) => status === UNAVAILABLE)),
    latenessMs: new Samples(sentMs.subarray(from, to).map((sent, i) => sent - dueMs[from + i]!)),
  };
}

/** The record is in the order in which payments were due. */
function firstDue(dueMs: Float64Array, atMs: number): number {
  let [low, high] = [0, dueMs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (dueMs[middle]! < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
