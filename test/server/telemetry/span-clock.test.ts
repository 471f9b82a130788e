import { expect } from "chai";
import { SpanClock } from "../../../server/telemetry/span-clock.ts";

describe("clock of spans", () => {
  const { now } = Date;

  afterEach(() => {
    Date.now = now;
  });

  it("is as late as the wall clock, and finer", () => {
    const clock = new SpanClock();
    clock.adjust();
    const times = Array.from({ length: 100 }, () => clock.nowMs());
    expect(Math.abs(times[0]! - Date.now())).to.be.below(50);
    expect(times.some((ms) => ms !== Math.floor(ms))).to.equal(true);
    for (const [i, ms] of times.entries()) expect(ms).to.be.at.least(times[i - 1] ?? 0);
  });

  it("follows a wall clock that was set, ahead and back", () => {
    const clock = new SpanClock();
    for (const aheadMs of [60_000, -60_000]) {
      Date.now = () => now() + aheadMs;
      expect(Math.abs(clock.nowMs() - Date.now())).to.be.above(30_000);
      clock.adjust();
      expect(Math.abs(clock.nowMs() - Date.now())).to.be.below(50);
    }
  });
});
