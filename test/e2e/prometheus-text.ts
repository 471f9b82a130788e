export type MetricSample = { name: string; labels: Readonly<Record<string, string>>; value: number };
export type MetricFamily = { name: string; type: string; help: string; samples: MetricSample[] };

const HELP = /^# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<help>.+)$/;
const TYPE = /^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram|summary|untyped)$/;
const SAMPLE = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;
const LABEL = /(?<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = { histogram: ["_bucket", "_sum", "_count"] };

/**
 * Reads the Prometheus text format 0.0.4, strictly: every family has HELP, then TYPE, then all of its samples; no
 * sample twice; histograms are cumulative and end in +Inf. Throws what is wrong.
 */
export function parseMetrics(text: string): Map<string, MetricFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line ends with a newline");
  const families = new Map<string, MetricFamily>();
  const seen = new Set<string>();
  let family: MetricFamily | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const help = HELP.exec(line)?.groups;
    const type = TYPE.exec(line)?.groups;
    if (help) {
      if (families.has(help["name"]!)) throw new Error(`a family stands together: name=${help["name"]}`);
      family = { name: help["name"]!, help: help["help"]!, type: "", samples: [] };
      families.set(family.name, family);
    } else if (type) {
      if (family?.name !== type["name"] || family?.type !== "") throw new Error(`TYPE follows HELP: line=${line}`);
      family!.type = type["type"]!;
    } else {
      const sample = readSample(line);
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (seen.has(key)) throw new Error(`a sample stands once: line=${line}`);
      seen.add(key);
      if (!family || !belongs(sample.name, family)) throw new Error(`a sample follows its TYPE: line=${line}`);
      family.samples.push(sample);
    }
  }
  for (const found of families.values()) check(found);
  return families;
}

/** The value of the one sample with these labels and no others. */
export function metricValue(
  families: Map<string, MetricFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
  const wanted = JSON.stringify(Object.entries(labels).sort());
  const found = family?.samples.find(
    (sample) => sample.name === name && JSON.stringify(Object.entries(sample.labels).sort()) === wanted,
  );
  if (!found) throw new Error(`a metric is exported: name=${name} labels=${wanted}`);
  return found.value;
}

function readSample(line: string): MetricSample {
  const { name, labels, value } = SAMPLE.exec(line)?.groups ?? {};
  if (name === undefined) throw new Error(`a line is HELP, TYPE or a sample: line=${line}`);
  const number = value === "+Inf" ? Number.POSITIVE_INFINITY : Number(value);
  if (Number.isNaN(number)) throw new Error(`a value is a number: line=${line}`);
  return { name, labels: readLabels(labels ?? "", line), value: number };
}

function readLabels(text: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const match = LABEL.exec(text)?.groups;
    if (!match) throw new Error(`labels are name="value", …: line=${line}`);
    if (labels[match["name"]!] !== undefined) throw new Error(`a label stands once: line=${line}`);
    labels[match["name"]!] = match["value"]!.replace(/\\(.)/g, (_, escaped) => (escaped === "n" ? "\n" : escaped));
  }
  return labels;
}

function belongs(name: string, { name: family, type }: MetricFamily): boolean {
  return (SUFFIXES[type] ?? [""]).some((suffix) => name === family + suffix);
}

function check({ name, type, samples }: MetricFamily): void {
  if (type === "") throw new Error(`a family has a TYPE: name=${name}`);
  if (type === "counter" && !name.endsWith("_total")) throw new Error(`a counter ends in _total: name=${name}`);
  if (type !== "counter" && name.endsWith("_total")) throw new Error(`only counters end in _total: name=${name}`);
  if (type === "counter" && samples.some(({ value }) => value < 0))
    throw new Error(`counters are not negative: ${name}`);
  if (type !== "histogram") return;
  const bySeries = new Map<string, MetricSample[]>();
  for (const sample of samples) {
    const series = JSON.stringify({ ...sample.labels, le: undefined });
    bySeries.set(series, [...(bySeries.get(series) ?? []), sample]);
  }
  for (const [series, own] of bySeries) checkHistogram(`${name}${series}`, own);
}

function checkHistogram(name: string, samples: readonly MetricSample[]): void {
  const buckets = samples.filter((sample) => sample.name.endsWith("_bucket"));
  const count = samples.find((sample) => sample.name.endsWith("_count"))?.value;
  const sum = samples.find((sample) => sample.name.endsWith("_sum"))?.value;
  const bounds = buckets.map(({ labels }) =>
    labels["le"] === "+Inf" ? Number.POSITIVE_INFINITY : Number(labels["le"]),
  );
  if (count === undefined || sum === undefined) throw new Error(`a histogram has _sum and _count: ${name}`);
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY) throw new Error(`the last bucket is +Inf: ${name}`);
  if (buckets.at(-1)!.value !== count) throw new Error(`+Inf counts everything: ${name}`);
  for (let i = 1; i < buckets.length; i++) {
    if (!(bounds[i]! > bounds[i - 1]!)) throw new Error(`bounds rise: ${name} le=${bounds[i]}`);
    if (buckets[i]!.value < buckets[i - 1]!.value) throw new Error(`buckets are cumulative: ${name} le=${bounds[i]}`);
  }
  let least = 0;
  for (let i = 1; i < buckets.length; i++) least += (buckets[i]!.value - buckets[i - 1]!.value) * bounds[i - 1]!;
  if (sum < least * 0.999999 || (count === 0 && sum !== 0)) {
    throw new Error(`the sum is no less than the buckets say: ${name} sum=${sum} least=${least}`);
  }
}
