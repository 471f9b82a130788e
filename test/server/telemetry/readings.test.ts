import { expect } from "chai";
import fc from "fast-check";
import { DurationHistogram } from "../../../server/meters/duration-histogram.ts";
import { newRegistry, Readings } from "../../../server/telemetry/readings.ts";
import { metricValue, parseMetrics } from "../../e2e/prometheus-text.ts";

describe("metrics read when scraped", () => {
  it("export a histogram's counts in cumulative buckets, whatever was recorded", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { maxLength: 200 }),
        async (durations) => {
          const histogram = new DurationHistogram();
          for (const ms of durations) histogram.record(ms);
          const registry = newRegistry();
          new Readings(registry, "x_").durations("seconds", "Help.", ["a"], [[{ a: "b" }, histogram]]);
          const families = parseMetrics(await registry.metrics());
          expect(metricValue(families, "x_seconds_count", { a: "b" })).to.equal(durations.length);
          const sum = durations.reduce((total, ms) => total + ms / 1000, 0);
          expect(metricValue(families, "x_seconds_sum", { a: "b" })).to.be.closeTo(sum, 1e-6 * (1 + sum));
          for (const { name, labels, value } of families.get("x_seconds")!.samples) {
            if (!name.endsWith("_bucket") || labels["le"] === "+Inf") continue;
            const boundUs = Math.round(Number(labels["le"]) * 1e6);
            expect(value, labels["le"]).to.equal(durations.filter((ms) => Math.floor(ms * 1000) < boundUs).length);
          }
        },
      ),
    );
  });

  it("read anew at every scrape, all in one turn", async () => {
    const registry = newRegistry();
    const readings = new Readings(registry, "x_");
    let count = 0;
    readings.counter("a_total", "Help.", () => count);
    readings.gauge("b", "Help.", () => count);
    for (count of [1, 2]) {
      const scraping = registry.metrics();
      count = -1;
      const families = parseMetrics((await scraping).replace("-1", "1"));
      expect(metricValue(families, "x_a_total")).to.equal(metricValue(families, "x_b")).and.be.above(0);
    }
  });

  it("escape label values and help", async () => {
    const registry = newRegistry();
    const labels = { a: 'quote " backslash \\ newline \n end' };
    new Readings(registry, "x_").gauges("b", "Two\nlines.", ["a"], () => [{ labels, value: 1 }]);
    expect(metricValue(parseMetrics(await registry.metrics()), "x_b", labels)).to.equal(1);
  });

  it("refuse a name that Prometheus would not take, and one that is there already", () => {
    const readings = new Readings(newRegistry(), "x_");
    expect(() => readings.gauge("a-b", "Help.", () => 1)).to.throw("Invalid metric name");
    readings.gauge("a", "Help.", () => 1);
    expect(() => readings.gauge("a", "Help.", () => 1)).to.throw("already been registered");
  });
});

describe("the reader of the Prometheus text format", () => {
  const head = "# HELP x Help.\n# TYPE x gauge\n";
  const histogram = "# HELP h Help.\n# TYPE h histogram\n";
  const wrong: Record<string, string> = {
    "no final newline": `${head}x 1`,
    "no TYPE": "# HELP x Help.\nx 1\n",
    "no HELP": "# TYPE x gauge\nx 1\n",
    "another name": `${head}y 1\n`,
    "no number": `${head}x one\n`,
    "a sample twice": `${head}x 1\nx 2\n`,
    "a label twice": `${head}x{a="1",a="2"} 1\n`,
    "an unescaped quote": `${head}x{a="1"2"} 1\n`,
    "a family in two places": `${head}x 1\n${head}x 2\n`,
    "a counter without _total": "# HELP x Help.\n# TYPE x counter\nx 1\n",
    "a histogram without +Inf": `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`,
    "+Inf that is not the count": `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`,
    "buckets that fall": `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`,
    "a sum below the buckets": `${histogram}h_bucket{le="1"} 0\nh_bucket{le="+Inf"} 2\nh_sum 1\nh_count 2\n`,
  };
  for (const [what, text] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expect(() => parseMetrics(text)).to.throw();
    });
  }
});
