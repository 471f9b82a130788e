import { Samples } from "./samples.ts";

/** One second of a load. */
export type Second = {
  /** From 0. */
  readonly second: number;
  readonly acceptedCount: number;
  readonly failedCount: number;
  /** Of what was accepted; 0 if nothing was. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

/**
 * Second by second. `atMs[i]` says to which second payment i belongs, NaN to none; `valuesMs[i]` is its time, NaN if
 * it has failed.
 */
export function bySecond(atMs: Float64Array, valuesMs: Float64Array): Second[] {
  const buckets: number[][] = [];
  for (const [i, ms] of atMs.entries()) {
    if (Number.isNaN(ms)) continue;
    const second = Math.floor(ms / 1000);
    while (buckets.length <= second) buckets.push([]);
    buckets[second]!.push(valuesMs[i]!);
  }
  return buckets.map((values, second) => {
    const samples = new Samples(values);
    const { count } = samples;
    const failedCount = values.length - count;
    return {
      second,
      acceptedCount: count,
      failedCount,
      p50Ms: samples.at(50),
      p99Ms: samples.at(99),
      maxMs: samples.at(100),
    };
  });
}
