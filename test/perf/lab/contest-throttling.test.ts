import { expect } from "chai";
import type { Sample } from "../../../perf/lab/contest/sampler.ts";
import { STEADY_FROM_MS, steadyThrottledPart } from "../../../perf/lab/contest/throttling.ts";

const sampleAt = (atMs: number, periodCount: number, throttledCount: number): Sample => ({
  atMs,
  acceptedCount: 0,
  chargedCount: undefined,
  cpuSeconds: {},
  cpuPeriods: { nginx: { periodCount, throttledCount } },
});

describe("contest: periods throttled once everything is warm", () => {
  it("leaves out the first seconds", () => {
    const samples = [
      sampleAt(500, 10, 7),
      sampleAt(STEADY_FROM_MS + 500, 60, 8),
      sampleAt(STEADY_FROM_MS + 1500, 70, 8),
      sampleAt(STEADY_FROM_MS + 2500, 80, 9),
    ];
    expect(steadyThrottledPart(samples, "nginx")).to.equal(0.05);
  });

  it("is none of a process that slept all the time", () => {
    expect(steadyThrottledPart([sampleAt(STEADY_FROM_MS, 5, 1), sampleAt(STEADY_FROM_MS + 1, 5, 1)], "nginx")).to.equal(
      0,
    );
  });

  it("is not known of a load that is over by then, and of a process without a limit", () => {
    expect(steadyThrottledPart([sampleAt(500, 10, 7), sampleAt(4500, 10, 7)], "nginx")).to.equal(undefined);
    const long = [sampleAt(STEADY_FROM_MS, 10, 7), sampleAt(STEADY_FROM_MS + 1000, 20, 7)];
    expect(steadyThrottledPart(long, "instance-1")).to.equal(undefined);
  });
});
