import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { Outcome } from "../load/connection.ts";

export type Percentiles = {
  readonly count: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
};

/** Latency by percentile, up to the rarest that the count can tell. */
export type Curve = readonly (readonly [percentile: number, ms: number])[];

/** One second of the load. */
export type Second = {
  readonly second: number;
  readonly acceptedCount: number;
  readonly failedCount: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

type OpenSecond = {
  readonly durationsMs: number[];
  failedCount: number;
};

/** Histograms hold whole microseconds, with three significant digits or better. */
const HISTOGRAM_OPTIONS = { lowest: 1, highest: 60_000_000, figures: 4 } as const;

const CURVE_PERCENTILES = [
  0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92, 94, 95, 96, 97, 98, 98.5, 99, 99.3, 99.5, 99.7, 99.8, 99.9, 99.95,
  99.97, 99.99, 99.995, 99.999,
];

/** Everything that is measured while the load runs. Hot: two histogram entries and one number per payment. */
export class Recorder {
  /** Of every successful HTTP request, admin calls included: what the contest's p99 is taken from. */
  readonly #all = createHistogram(HISTOGRAM_OPTIONS);
  readonly #payments = createHistogram(HISTOGRAM_OPTIONS);
  readonly #lateness = createHistogram(HISTOGRAM_OPTIONS);
  readonly #seconds: OpenSecond[] = [];
  readonly #failures = new Map<string, number>();
  #acceptedCount = 0;

  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  get failedCount(): number {
    return [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
  }

  /** How often payments were not accepted, by reason: `timeout`, `status 503`, `ECONNREFUSED` … */
  get failures(): Record<string, number> {
    return Object.fromEntries(this.#failures);
  }

  /** A payment left `lateMs` after it was due. */
  sent(lateMs: number): void {
    record(this.#lateness, lateMs);
  }

  /** What came of a payment, `atMs` from the beginning. */
  payment(outcome: Outcome, atMs: number): void {
    const second = this.#secondAt(atMs);
    if (outcome.status >= 200 && outcome.status < 300) {
      this.#acceptedCount++;
      record(this.#payments, outcome.durationMs);
      second.durationsMs.push(outcome.durationMs);
    } else {
      second.failedCount++;
      const reason = outcome.error ?? `status ${outcome.status}`;
      this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
    }
    this.request(outcome);
  }

  /** What came of any request; payments come here by themselves. */
  readonly request = ({ status, durationMs }: Outcome): void => {
    if (status >= 200 && status < 400) record(this.#all, durationMs);
  };

  get all(): Percentiles {
    return percentilesOf(this.#all);
  }

  get payments(): Percentiles {
    return percentilesOf(this.#payments);
  }

  get lateness(): Percentiles {
    return percentilesOf(this.#lateness);
  }

  get curves(): Record<"all" | "payments" | "lateness", Curve> {
    return { all: curveOf(this.#all), payments: curveOf(this.#payments), lateness: curveOf(this.#lateness) };
  }

  seconds(from = 0): Second[] {
    return Array.from({ length: Math.max(0, this.#seconds.length - from) }, (_, i) => {
      const { durationsMs, failedCount } = this.#seconds[from + i] ?? { durationsMs: [], failedCount: 0 };
      const sorted = durationsMs.toSorted((a, b) => a - b);
      return {
        second: from + i,
        acceptedCount: sorted.length,
        failedCount,
        p50Ms: rankOf(sorted, 0.5),
        p99Ms: rankOf(sorted, 0.99),
        maxMs: sorted.at(-1) ?? 0,
      };
    });
  }

  #secondAt(atMs: number): OpenSecond {
    const index = Math.floor(atMs / 1000);
    while (this.#seconds.length <= index) this.#seconds.push({ durationsMs: [], failedCount: 0 });
    return this.#seconds[index]!;
  }
}

function record(histogram: RecordableHistogram, ms: number): void {
  histogram.record(Math.max(1, Math.round(ms * 1000)));
}

function percentilesOf(histogram: RecordableHistogram): Percentiles {
  if (histogram.count === 0) return { count: 0, p50Ms: 0, p90Ms: 0, p99Ms: 0, p999Ms: 0, maxMs: 0 };
  const at = (percent: number): number => histogram.percentile(percent) / 1000;
  return {
    count: histogram.count,
    p50Ms: at(50),
    p90Ms: at(90),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: histogram.max / 1000,
  };
}

function curveOf(histogram: RecordableHistogram): Curve {
  const { count } = histogram;
  // Of a thousand values the largest is the 99.9th percentile, and there is nothing to say of any beyond.
  const told = CURVE_PERCENTILES.filter((percentile) => (1 - percentile / 100) * count >= 1);
  return told.map((percentile) => {
    return [percentile, (percentile === 0 ? histogram.min : histogram.percentile(percentile)) / 1000] as const;
  });
}

/** The smallest value that `share` of all values do not exceed. */
function rankOf(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
