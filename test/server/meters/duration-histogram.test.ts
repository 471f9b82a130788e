import { expect } from "chai";
import { bucketEndMs, DurationHistogram, percentileMs } from "../../../server/meters/duration-histogram.ts";
import { Random } from "../../support/random.ts";

describe("duration histogram", () => {
  it("counts and sums what it is given", () => {
    const histogram = new DurationHistogram();
    for (const ms of [0.001, 1, 2.5]) histogram.record(ms);
    expect(histogram.count).to.equal(3);
    expect(histogram.sumMs).to.be.closeTo(3.501, 1e-9);
    expect(histogram.counts.reduce((sum, count) => sum + count, 0)).to.equal(3);
  });

  it("puts every duration into a bucket that ends after it, by an eighth or a microsecond at most", () => {
    for (let us = 0; us < 200_000; us = us < 5000 ? us + 1 : Math.ceil(us * 1.003)) {
      const histogram = new DurationHistogram();
      histogram.record(us / 1000);
      const end = bucketEndMs(histogram.counts.indexOf(1)) * 1000;
      expect(end, `us=${us}`)
        .to.be.greaterThan(us)
        .and.at.most(us + Math.max(1.000001, us / 8));
    }
  });

  it("has buckets that end one after another", () => {
    const { counts } = new DurationHistogram();
    for (let bucket = 1; bucket < counts.length; bucket++) {
      expect(bucketEndMs(bucket), `bucket=${bucket}`).to.be.greaterThan(bucketEndMs(bucket - 1));
    }
  });

  it("takes what is below or above its range for the ends of it", () => {
    const histogram = new DurationHistogram();
    histogram.record(-5);
    histogram.record(Number.MAX_SAFE_INTEGER);
    expect(histogram.counts[0]).to.equal(1);
    expect(histogram.counts.at(-1)).to.equal(1);
  });

  it("gives percentiles that are right to an eighth", () => {
    const random = new Random(20_260_101);
    const histogram = new DurationHistogram();
    const ms = Array.from({ length: 5000 }, () => 0.05 * 1.002 ** random.below(5000));
    for (const value of ms) histogram.record(value);
    ms.sort((a, b) => a - b);
    for (const percentile of [1, 50, 90, 99, 99.9, 100]) {
      const exact = ms[Math.ceil((percentile / 100) * ms.length) - 1]!;
      expect(percentileMs(histogram.counts, percentile)).to.be.within(exact, exact * 1.126);
    }
  });

  it("has no percentile of nothing", () => {
    expect(percentileMs(new DurationHistogram().counts, 99)).to.equal(undefined);
  });
});
