import { expect } from "chai";
import { ArrivalSchedule, arrivalsMs } from "../../../perf/lab/load/arrival-schedule.ts";
import { NO_CONNECTION } from "../../../perf/lab/load/schedule.ts";

describe("arrivals", () => {
  it("are evenly spread, stage after stage", () => {
    const dueMs = arrivalsMs([
      { ratePerSecond: 100, durationMs: 30 },
      { ratePerSecond: 500, durationMs: 6 },
    ]);
    expect([...dueMs]).to.deep.equal([0, 10, 20, 30, 32, 34]);
  });

  it("are as many as the rate says, at any rate", () => {
    for (const ratePerSecond of [1, 3, 777, 12_345]) {
      const dueMs = arrivalsMs([{ ratePerSecond, durationMs: 2000 }]);
      expect(dueMs).to.have.length(ratePerSecond * 2);
      expect(dueMs.every((due, i) => due < 2000 && (i === 0 || due > dueMs[i - 1]!))).to.equal(true);
    }
  });

  it("are bounded", () => {
    expect(() => arrivalsMs([{ ratePerSecond: 50_000, durationMs: 600_000 }])).to.throw(
      "a load must be bounded: requests=30000000 max=10000000",
    );
    expect(() => arrivalsMs([{ ratePerSecond: 0, durationMs: 1 }])).to.throw("a stage must have a rate");
    expect(() => arrivalsMs([{ ratePerSecond: Number.NaN, durationMs: 1 }])).to.throw("a stage must have a rate");
  });

  it("leave by the connection that was free last, and by none where all are in use", () => {
    const schedule = new ArrivalSchedule(arrivalsMs([{ ratePerSecond: 1000, durationMs: 6 }]), 2);
    expect([schedule.nextDueMs, schedule.expectedCount, schedule.connectionsAhead]).to.deep.equal([0, 6, 2]);
    const taken = [schedule.takeNext(), schedule.takeNext(), schedule.takeNext()];
    expect(taken.slice(0, 2).toSorted()).to.deep.equal([0, 1]);
    expect(taken[2]).to.equal(NO_CONNECTION);
    schedule.ended(0);
    schedule.ended(1);
    expect([schedule.takeNext(), schedule.nextDueMs]).to.deep.equal([1, 4]);
    schedule.ended(1);
    expect([schedule.takeNext(), schedule.takeNext(), schedule.nextDueMs]).to.deep.equal([1, 0, Infinity]);
  });
});
