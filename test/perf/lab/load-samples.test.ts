import { expect } from "chai";
import { Samples } from "../../../perf/lab/load/samples.ts";

const upTo = (count: number): Samples => new Samples(Float64Array.from({ length: count }, (_, i) => count - i));

describe("samples", () => {
  it("tell exact percentiles", () => {
    const samples = upTo(1000);
    expect(samples.percentiles).to.deep.equal({
      count: 1000,
      p50Ms: 500,
      p90Ms: 900,
      p99Ms: 990,
      p999Ms: 999,
      maxMs: 1000,
    });
    expect(samples.at(0)).to.equal(1);
  });

  it("leave out what is not a number, and tell zeros of nothing", () => {
    expect(new Samples(Float64Array.of(Number.NaN, 3, Number.NaN)).percentiles.count).to.equal(1);
    expect(new Samples(new Float64Array(0)).percentiles).to.deep.equal({
      count: 0,
      p50Ms: 0,
      p90Ms: 0,
      p99Ms: 0,
      p999Ms: 0,
      maxMs: 0,
    });
  });

  it("can be merged", () => {
    const merged = Samples.merge([upTo(10), new Samples(Float64Array.of(50)), upTo(3)]);
    expect(merged.count).to.equal(14);
    expect(merged.at(100)).to.equal(50);
    expect(merged.at(50)).to.equal(4);
  });

  it("are plotted up to the percentile that has values above it", () => {
    const last = upTo(1000).plot().at(-1)!;
    expect(last).to.deep.equal([99.9, 999]);
    expect(upTo(10).plot().at(-1)).to.deep.equal([90, 9]);
    expect(new Samples(new Float64Array(0)).plot()).to.deep.equal([]);
  });
});
