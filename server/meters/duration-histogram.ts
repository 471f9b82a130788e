/** Sub-buckets per doubling, as a power of two: a bucket is at most 1/8 of its lower end wide. */
const SUB_BITS = 3;
const SUB_BUCKETS = 1 << SUB_BITS;
/** 2^32 µs are over an hour. */
const MAX_US = 2 ** 32 - 1;
const BUCKETS = (32 - SUB_BITS + 1) << SUB_BITS;

/**
 * Durations from 1 µs to an hour in log-linear buckets (HdrHistogram, Gil Tene): the value of a bucket is known to an
 * eighth.
 *
 *   µs      0 … 7 | 8 9 … 15 | 16 18 … 30 | 32 36 …      eight buckets per doubling
 *
 * Monotonic: whoever wants a window takes the difference of two readings of `counts`.
 */
export class DurationHistogram {
  readonly counts = new Float64Array(BUCKETS);
  #sumUs = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  get sumMs(): number {
    return this.#sumUs / 1000;
  }

  /** Hot: no allocation, no branch but the clamps. */
  record(durationMs: number): void {
    const us = Math.min(Math.max(durationMs * 1000, 0), MAX_US);
    this.counts[bucketOf(us >>> 0)]!++;
    this.#count++;
    this.#sumUs += us;
  }
}

/** Index of the bucket that holds `us`, a whole number below 2^32. */
function bucketOf(us: number): number {
  if (us < SUB_BUCKETS) return us;
  const shift = 31 - Math.clz32(us) - SUB_BITS;
  return ((shift + 1) << SUB_BITS) + ((us >>> shift) & (SUB_BUCKETS - 1));
}

/** Upper end of a bucket in milliseconds, exclusive. */
export function bucketEndMs(bucket: number): number {
  const next = bucket + 1;
  if (next < 2 * SUB_BUCKETS) return next / 1000;
  return ((SUB_BUCKETS + (next & (SUB_BUCKETS - 1))) * 2 ** ((next >> SUB_BITS) - 1)) / 1000;
}

/**
 * The `percentile` (0 … 100) of bucket counts in milliseconds, rounded up to its bucket's end; undefined when all are
 * zero.
 */
export function percentileMs(counts: Float64Array, percentile: number): number | undefined {
  let total = 0;
  for (const count of counts) total += count;
  if (total === 0) return undefined;
  let rank = Math.max(1, Math.ceil((percentile / 100) * total));
  for (let bucket = 0; bucket < counts.length; bucket++) {
    rank -= counts[bucket]!;
    if (rank <= 0) return bucketEndMs(bucket);
  }
  return bucketEndMs(counts.length - 1);
}
