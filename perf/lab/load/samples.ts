/** Percentiles from 0 to below 100 that a plot of a distribution needs. */
export const PLOTTED_PERCENTILES: readonly number[] = [
  0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97, 98, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.999,
];

/** What is told of a distribution of times. */
export type Percentiles = {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
};

/** Values by percentile, up to the rarest that their count can tell. */
export type Curve = readonly (readonly [percentile: number, value: number])[];

/**
 * All values of one measurement, sorted: percentiles are exact. A load is bounded, so keeping every value costs less
 * than a histogram's entry for each of them while it runs. Values that are NaN do not count.
 */
export class Samples {
  readonly #sorted: Float64Array;

  constructor(values: Float64Array | readonly number[]) {
    this.#sorted = new Float64Array(values).filter((value) => !Number.isNaN(value)).sort();
  }

  /** All values of all of them. */
  static merge(parts: readonly Samples[]): Samples {
    const values = new Float64Array(parts.reduce((sum, part) => sum + part.count, 0));
    let at = 0;
    for (const part of parts) {
      values.set(part.#sorted, at);
      at += part.count;
    }
    return new Samples(values);
  }

  get count(): number {
    return this.#sorted.length;
  }

  /** The smallest value that `percentile` of 100 values do not exceed; 0 of none. */
  at(percentile: number): number {
    return this.#sorted[Math.max(0, Math.ceil((this.count * percentile) / 100) - 1)] ?? 0;
  }

  /** The part below the last value: beyond it a percentile would only repeat the largest one. */
  plot(): Curve {
    return PLOTTED_PERCENTILES.filter((percentile) => Math.ceil((this.count * percentile) / 100) < this.count).map(
      (percentile) => [percentile, this.at(percentile)],
    );
  }

  /** Of values in milliseconds. */
  get percentiles(): Percentiles {
    const { count } = this;
    const [p50Ms, p90Ms, p99Ms, p999Ms, maxMs] = [50, 90, 99, 99.9, 100].map((percentile) => this.at(percentile));
    return { count, p50Ms: p50Ms!, p90Ms: p90Ms!, p99Ms: p99Ms!, p999Ms: p999Ms!, maxMs: maxMs! };
  }
}
