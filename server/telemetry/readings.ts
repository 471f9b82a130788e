import type { Registry as RegistryType } from "prom-client";
import { Metric } from "prom-client/lib/metric.js";
import RegistryClass from "prom-client/lib/registry.js";
import { bucketEndMs, type DurationHistogram } from "../meters/duration-histogram.ts";

/**
 * prom-client's registry and the base of its metrics, loaded by their own files: the whole package costs 12 MB of the
 * memory limit, most of it for pushing and for clusters. These two cost 2 MB.
 */
export type Registry = RegistryType;
export const newRegistry = (): Registry => new RegistryClass();

export type Labels = Readonly<Record<string, string | number>>;
export type Sample = { labels: Labels; value: number };
type NamedSample = { labels?: Labels; sharedLabels?: Labels; metricName?: string; value: number };
type Kind = "counter" | "gauge" | "histogram";

/**
 * A metric that keeps nothing: it reads what was counted elsewhere when somebody scrapes. All of them are read in one
 * turn of the event loop, so one scrape is one consistent view.
 */
class Reading extends Metric {
  readonly type: Kind;
  readonly #read: () => NamedSample[] | Promise<NamedSample[]>;

  constructor(registry: Registry, type: Kind, name: string, help: string, labelNames: readonly string[], read: Read) {
    super({ name, help, labelNames, registers: [registry] });
    this.type = type;
    this.#read = read;
  }

  /** What prom-client's registry asks of a metric. */
  get(): unknown {
    const { name, help, type } = this;
    const values = this.#read();
    if (values instanceof Promise) return values.then((later) => ({ name, help, type, values: later }));
    return { name, help, type, values };
  }

  /** There is nothing to reset. */
  reset(): void {}
}

type Read = () => NamedSample[] | Promise<NamedSample[]>;

/** Registers metrics under one prefix. */
export class Readings {
  readonly #registry: Registry;
  readonly #prefix: string;

  constructor(registry: Registry, prefix: string) {
    this.#registry = registry;
    this.#prefix = prefix;
  }

  /** One that only grows until the process ends. */
  counter(name: string, help: string, read: () => number): void {
    this.#add("counter", name, help, [], () => [{ labels: {}, value: read() }]);
  }

  counters(name: string, help: string, labelNames: readonly string[], read: () => Sample[]): void {
    this.#add("counter", name, help, labelNames, read);
  }

  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    this.#add("gauge", name, help, [], () => {
      const value = read();
      if (value instanceof Promise) return value.then((later) => [{ labels: {}, value: later }]);
      return [{ labels: {}, value }];
    });
  }

  gauges(name: string, help: string, labelNames: readonly string[], read: () => Sample[]): void {
    this.#add("gauge", name, help, labelNames, read);
  }

  /** Histograms in seconds, one for each set of labels. */
  durations(
    name: string,
    help: string,
    labelNames: readonly string[],
    histograms: readonly (readonly [Labels, DurationHistogram])[],
  ): void {
    const series = histograms.map(([labels, histogram]) => new BucketSamples(this.#prefix + name, labels, histogram));
    this.#add("histogram", name, help, labelNames, () => series.flatMap((samples) => samples.read()));
  }

  #add(type: Kind, name: string, help: string, labelNames: readonly string[], read: Read): void {
    new Reading(this.#registry, type, this.#prefix + name, help, labelNames, read);
  }
}

/**
 * Ends of the exported buckets in µs: doublings, and half of the way between them where requests are. Each is an end of
 * a bucket of DurationHistogram, so the counts are exact.
 */
const BOUNDS_US: readonly number[] = [
  64, 128, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192, 12_288, 16_384, 24_576, 32_768, 65_536,
  131_072, 262_144, 524_288, 1_048_576, 2_097_152, 4_194_304, 8_388_608, 16_777_216,
];

/** For every bound the last bucket below it. */
const BOUND_BUCKETS: readonly number[] = BOUNDS_US.map((boundUs) => {
  let bucket = 0;
  while (bucketEndMs(bucket) * 1000 < boundUs) bucket++;
  if (bucketEndMs(bucket) * 1000 !== boundUs) throw new Error(`a bound is the end of a bucket: boundUs=${boundUs}`);
  return bucket;
});

/**
 * A histogram's samples as Prometheus wants them: each bucket counts everything up to its bound. Made once and filled
 * in at every scrape, because prom-client formats `sharedLabels` once per object.
 */
export class BucketSamples {
  readonly #histogram: DurationHistogram;
  readonly #samples: NamedSample[];

  constructor(name: string, labels: Labels, histogram: DurationHistogram) {
    const bounds = [...BOUNDS_US.map((boundUs) => boundUs / 1e6), "+Inf"];
    this.#histogram = histogram;
    this.#samples = [
      ...bounds.map((le) => ({ metricName: `${name}_bucket`, sharedLabels: { ...labels, le }, value: 0 })),
      { metricName: `${name}_sum`, sharedLabels: labels, value: 0 },
      { metricName: `${name}_count`, sharedLabels: labels, value: 0 },
    ];
  }

  read(): NamedSample[] {
    const { counts, sumMs } = this.#histogram;
    const samples = this.#samples;
    let upTo = 0;
    let bucket = 0;
    for (const [i, last] of BOUND_BUCKETS.entries()) {
      for (; bucket <= last; bucket++) upTo += counts[bucket]!;
      samples[i]!.value = upTo;
    }
    for (; bucket < counts.length; bucket++) upTo += counts[bucket]!;
    samples.at(-3)!.value = upTo;
    samples.at(-2)!.value = sumMs / 1000;
    samples.at(-1)!.value = upTo;
    return samples;
  }
}
