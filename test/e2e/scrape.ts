import { expect } from "chai";
import type { Caller } from "./caller.ts";
import { type MetricFamily, parseMetrics } from "./prometheus-text.ts";
import type { Service } from "./service.ts";

export type Scraped = Map<string, MetricFamily>;

export async function scrape(caller: Caller, path = "/metrics"): Promise<Scraped> {
  const { status, headers, body } = await caller.get(path);
  expect(status, body).to.equal(200);
  expect(headers["content-type"]).to.equal("text/plain; version=0.0.4; charset=utf-8");
  return parseMetrics(body);
}

export function scrapeAll(service: Service): Promise<Scraped[]> {
  return Promise.all(service.instances.map((caller) => scrape(caller)));
}

/** Sum over the instances of all samples of that name that have these labels, whatever else they have. */
export function sumOf(
  scraped: readonly Scraped[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  let sum = 0;
  for (const families of scraped) {
    const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
    if (!family) throw new Error(`a metric is exported: name=${name}`);
    for (const sample of family.samples) {
      const fits = Object.entries(labels).every(([label, value]) => sample.labels[label] === value);
      if (sample.name === name && fits) sum += sample.value;
    }
  }
  return sum;
}
