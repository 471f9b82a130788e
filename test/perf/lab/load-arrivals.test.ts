import { expect } from "chai";
import { scheduleArrivals } from "../../../perf/lab/load/arrivals.ts";

describe("arrivals", () => {
  it("are evenly spread, stage after stage", () => {
    const dueMs = scheduleArrivals([
      { ratePerSecond: 100, durationMs: 30 },
      { ratePerSecond: 500, durationMs: 6 },
    ]);
    expect([...dueMs]).to.deep.equal([0, 10, 20, 30, 32, 34]);
  });

  it("are as many as the rate says, at any rate", () => {
    for (const ratePerSecond of [1, 3, 777, 12_345]) {
      const dueMs = scheduleArrivals([{ ratePerSecond, durationMs: 2000 }]);
      expect(dueMs).to.have.length(ratePerSecond * 2);
      expect(dueMs.every((due, i) => due < 2000 && (i === 0 || due > dueMs[i - 1]!))).to.equal(true);
    }
  });

  it("are bounded", () => {
    expect(() => scheduleArrivals([{ ratePerSecond: 50_000, durationMs: 600_000 }])).to.throw(
      "a load must be bounded: requests=30000000 max=10000000",
    );
    expect(() => scheduleArrivals([{ ratePerSecond: 0, durationMs: 1 }])).to.throw("a stage must have a rate");
    expect(() => scheduleArrivals([{ ratePerSecond: Number.NaN, durationMs: 1 }])).to.throw("a stage must have a rate");
  });
});
