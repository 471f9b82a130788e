import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readArguments } from "../../../perf/command/command-line.ts";
import { LoadRecord } from "../../../perf/lab/load/load-record.ts";
import { OVERLOAD_COMMAND } from "../../../perf/lab/overload/command-line.ts";
import { recoverySeconds } from "../../../perf/lab/overload/report.ts";
import { type OverloadSecond, summariseStages } from "../../../perf/lab/overload/stages.ts";
import { medianOf, runAndRead } from "./saved-run.ts";

describe("overload", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-overload-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("offers a multiple of the capacity beside slow clients, and checks the books", async () => {
    const size = ["--capacity", "100", "--seconds", "1", "--calm", "2", "--warm-up", "0.2", "--connections", "50"];
    const { result } = await runAndRead(folder, "overload/main.js", ...size, "--slow-clients", "30", "--no-limits");
    expect(medianOf(result, "differences in the audit")).to.equal(0);
    expect(result.title).to.equal("2 × the capacity of 100/s for 1 s, 30 slow clients beside it");
    const { rounds } = result.details as { rounds: { seconds: OverloadSecond[] }[] };
    expect(rounds[0]!.seconds.map(({ second, dueCount }) => [second, dueCount])).to.deep.equal([
      [-2, 50],
      [-1, 50],
      [0, 200],
      [1, 50],
      [2, 50],
    ]);
    expect(result.remarks).to.include("round 1: slow clients still connected at the end: 30");
  });

  it("tells what was accepted, refused and neither of each stage, by when it was due", () => {
    const record = new LoadRecord(10);
    const add = (dueMs: number, status: number, latencyMs: number): void => {
      const payment = record.add(dueMs);
      record.sent(payment, dueMs + 1);
      record.answered(payment, status, latencyMs - 1, dueMs + latencyMs);
    };
    add(500, 202, 9); // the lead-in
    add(1000, 202, 2);
    add(3000, 202, 90);
    add(3100, 503, 4);
    record.failed(record.add(3200), "no free connection", 3200);
    add(4500, 503, 3); // the second after it
    add(5500, 200, 5);
    const stages = summariseStages(record, { leadInMs: 1000, calmMs: 2000, durationMs: 1000 });
    const { calm, overload, after, seconds } = stages;
    expect([calm.dueCount, calm.acceptedMs.at(99)]).to.deep.equal([1, 2]);
    expect([overload.dueCount, overload.acceptedMs.count, overload.refusedMs.count]).to.deep.equal([3, 1, 1]);
    expect([overload.acceptedMs.at(99), overload.refusedMs.at(99), overload.latenessMs.at(99)]).to.deep.equal([
      90, 4, 1,
    ]);
    expect([after.dueCount, after.acceptedMs.at(99), after.refusedMs.count]).to.deep.equal([1, 5, 0]);
    expect(seconds.map(({ second, refusedCount }) => [second, refusedCount])).to.deep.equal([
      [-2, 0],
      [-1, 0],
      [0, 1],
      [1, 1],
      [2, 0],
    ]);
  });

  it("counts the seconds until nothing is refused and the p99 is what it was before", () => {
    const second = (at: number, acceptedP99Ms: number, refusedCount = 0): OverloadSecond => {
      return {
        second: at,
        acceptedP99Ms,
        refusedCount,
        dueCount: 1,
        acceptedCount: 1,
        acceptedP50Ms: 1,
        refusedP99Ms: 0,
      };
    };
    const before = [second(-3, 2), second(-2, 4), second(-1, 3)];
    const recovery = (...after: OverloadSecond[]) => recoverySeconds([...before, second(0, 99, 7), ...after]);
    expect(recovery(second(1, 5), second(2, 6), second(3, 4))).to.equal(0);
    expect(recovery(second(1, 40), second(2, 4), second(3, 4))).to.equal(1);
    expect(recovery(second(1, 4), second(2, 4, 1), second(3, 4))).to.equal(2);
    expect(recovery(second(1, 4), second(2, 4), second(3, 40))).to.equal(3);
  });

  it("refuses what makes no sense, with the rule", () => {
    const read = (...args: string[]) => readArguments(OVERLOAD_COMMAND, args);
    expect(() => read("--multiple", "0")).to.throw("multiple must be a decimal from 0.5 to 100: multiple=0");
    expect(() => read("--slow-clients", "9999")).to.throw("slow-clients must be a whole number from 0 to 5000");
    expect(read()).to.have.nested.property("options.capacity", undefined);
  });
});
