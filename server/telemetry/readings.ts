import type { Registry as RegistryType } from "prom-client";
import { Metric } from "prom-client/lib/metric.js";
import RegistryClass from "prom-client/lib/registry.js";
import { bucketEndMs, type DurationHistogram } from "../meters/duration-histogram.ts";

/**
 * prom-client's registry and the base of its metrics, loaded by their own files: the whole package costs 12 MB of the
 * memory limit, most of it for pushing and for clusters. These two cost 2 MB.
 */
export type Registry = RegistryType;
export const newRegistry = (): Registry => new TextRegistry();

export type Labels = Readonly<Record<string, string | number>>;
export type Sample = { labels: Labels; value: number };
type Kind = "counter" | "gauge" | "histogram";

/** Our metrics write their lines themselves: most of a line never changes, and prom-client would make it anew. */
class TextRegistry extends RegistryClass {
  override async getMetricsAsString(metric: Metric): Promise<string> {
    return (metric as Reading).text();
  }
}

/** Lines without a newline at the end; "" for none. */
type Lines = string | Promise<string>;

/**
 * A metric that keeps nothing: it reads what was counted elsewhere when somebody scrapes. All of them are read in one
 * turn of the event loop, so one scrape is one consistent view.
 */
class Reading extends Metric {
  readonly #head: string;
  readonly #read: () => Lines;

  constructor(registry: Registry, type: Kind, name: string, help: string, labelNames: readonly string[], read: Read) {
    super({ name, help, labelNames, registers: [registry] });
    this.#head = `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}`;
    this.#read = read;
  }

  text(): Lines {
    const lines = this.#read();
    return lines instanceof Promise ? lines.then((later) => this.#with(later)) : this.#with(lines);
  }

  /** There is nothing to reset. */
  reset(): void {}

  #with(lines: string): string {
    return lines === "" ? this.#head : `${this.#head}\n${lines}`;
  }
}

type Read = () => Lines;

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
    this.#one("counter", name, help, read);
  }

  counters(name: string, help: string, labelNames: readonly string[], read: () => Sample[]): void {
    this.#several("counter", name, help, labelNames, read);
  }

  gauge(name: string, help: string, read: () => number | Promise<number>): void {
    this.#one("gauge", name, help, read);
  }

  gauges(name: string, help: string, labelNames: readonly string[], read: () => Sample[]): void {
    this.#several("gauge", name, help, labelNames, read);
  }

  /** Histograms in seconds, one for each set of labels. */
  durations(
    name: string,
    help: string,
    labelNames: readonly string[],
    histograms: readonly (readonly [Labels, DurationHistogram])[],
  ): void {
    const series = histograms.map(([labels, histogram]) => new BucketLines(this.#prefix + name, labels, histogram));
    this.#add("histogram", name, help, labelNames, () => series.map((lines) => lines.read()).join("\n"));
  }

  #one(type: Kind, name: string, help: string, read: () => number | Promise<number>): void {
    const start = `${this.#prefix}${name} `;
    this.#add(type, name, help, [], () => {
      const value = read();
      return value instanceof Promise ? value.then((later) => start + valueText(later)) : start + valueText(value);
    });
  }

  #several(type: Kind, name: string, help: string, labelNames: readonly string[], read: () => Sample[]): void {
    const fullName = this.#prefix + name;
    this.#add(type, name, help, labelNames, () =>
      read()
        .map(({ labels, value }) => lineStart(fullName, labels) + valueText(value))
        .join("\n"),
    );
  }

  #add(type: Kind, name: string, help: string, labelNames: readonly string[], read: Read): void {
    new Reading(this.#registry, type, this.#prefix + name, help, labelNames, read);
  }
}

/** A line up to its value. */
function lineStart(name: string, labels: Labels): string {
  let inBraces = "";
  for (const label of Object.keys(labels)) {
    const value = escaped(String(labels[label])).replaceAll('"', '\\"');
    inBraces += `${inBraces === "" ? "" : ","}${label}="${value}"`;
  }
  return inBraces === "" ? `${name} ` : `${name}{${inBraces}} `;
}

function valueText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value < 0 ? "-Inf" : "+Inf";
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
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
 * A histogram's lines as Prometheus wants them: each bucket counts everything up to its bound. What never changes of
 * them is made once.
 */
class BucketLines {
  readonly #histogram: DurationHistogram;
  readonly #bucketStarts: readonly string[];
  readonly #lastStart: string;
  readonly #sumStart: string;
  readonly #countStart: string;

  constructor(name: string, labels: Labels, histogram: DurationHistogram) {
    const bucketStart = (le: string | number): string => lineStart(`${name}_bucket`, { ...labels, le });
    this.#histogram = histogram;
    this.#bucketStarts = BOUNDS_US.map((boundUs) => bucketStart(boundUs / 1e6));
    this.#lastStart = bucketStart("+Inf");
    this.#sumStart = lineStart(`${name}_sum`, labels);
    this.#countStart = lineStart(`${name}_count`, labels);
  }

  read(): string {
    const { counts, sumMs } = this.#histogram;
    let text = "";
    let upTo = 0;
    let bucket = 0;
    for (let i = 0; i < BOUND_BUCKETS.length; i++) {
      for (; bucket <= BOUND_BUCKETS[i]!; bucket++) upTo += counts[bucket]!;
      text += `${this.#bucketStarts[i]}${upTo}\n`;
    }
    for (; bucket < counts.length; bucket++) upTo += counts[bucket]!;
    return `${text}${this.#lastStart}${upTo}\n${this.#sumStart}${sumMs / 1000}\n${this.#countStart}${upTo}`;
  }
}
