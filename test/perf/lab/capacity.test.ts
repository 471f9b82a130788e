import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readArguments } from "../../../perf/command/command-line.ts";
import { type Climb, ratesOf, shortfallsOf } from "../../../perf/lab/capacity/climb.ts";
import { CAPACITY_COMMAND } from "../../../perf/lab/capacity/command-line.ts";
import { Samples } from "../../../perf/lab/load/samples.ts";
import { startOtherEntry } from "./other-entry.ts";
import { medianOf, runAndRead } from "./saved-run.ts";

const SMALL = ["--seconds", "0.6", "--lead-in", "0.2", "--warm-up", "0.3", "--rounds", "1", "--step", "100"];
const climbsOf = (details: unknown): Climb[] => (details as { climbs: Climb[] }).climbs;

describe("capacity", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-capacity-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("climbs to the end of a range that ours and the floor manage, everything being processed", async () => {
    const args = ["--from", "100", "--to", "200", "--p99", "3000", "--floor", ...SMALL];
    const saved = await runAndRead(folder, "capacity/main.js", ...args);
    expect(medianOf(saved.result, "highest rate that passes, ours")).to.equal(200);
    expect(medianOf(saved.result, "highest rate that passes, floor")).to.equal(200);
    const [ours, floor] = climbsOf(saved.result.details);
    expect(ours!.isAtEnd && floor!.isAtEnd).to.equal(true);
    for (const { load, settlement, processedPerSecond, usage } of ours!.steps) {
      expect(settlement).to.include({ processedCount: load.acceptedCount, chargedCount: load.acceptedCount });
      expect(load.acceptedCount).to.equal(load.ratePerSecond * 0.8);
      expect(processedPerSecond).to.be.within(load.ratePerSecond * 0.3, load.ratePerSecond * 1.2);
      expect(usage.filter(({ cpuMs }) => cpuMs > 0).map(({ name }) => name)).to.include.members([
        "nginx",
        "instance-1",
        "instance-2",
      ]);
    }
    expect(floor!.steps[0]!.settlement).to.equal(undefined);
  });

  it("ends where a step has failed twice", async () => {
    const args = ["--from", "100", "--to", "900", "--p99", "0.1", "--no-limits", ...SMALL];
    const { result } = await runAndRead(folder, "capacity/main.js", ...args);
    expect(medianOf(result, "highest rate that passes, ours")).to.equal(0);
    const [climb] = climbsOf(result.details);
    expect(climb!.steps.map(({ load }) => load.ratePerSecond)).to.deep.equal([100, 100]);
    expect(result.remarks.join("\n")).to.match(/ours, round 1 ended at 100\/s: p99 \d+\.\d+ ms/);
    expect(result.remarks).to.include("no CPU and memory limits: not asked for");
  });

  it("climbs with any other entry, whose payments nobody checks unless its processors are named", async () => {
    const entry = await startOtherEntry();
    try {
      const args = ["--target", entry.url, "--from", "100", "--to", "200", "--p99", "3000", ...SMALL];
      const { result } = await runAndRead(folder, "capacity/main.js", ...args);
      expect(medianOf(result, "highest rate that passes, target")).to.equal(200);
      const [climb] = climbsOf(result.details);
      expect(climb!.steps.map(({ settlement, usage }) => [settlement, usage])).to.deep.equal([
        [undefined, []],
        [undefined, []],
      ]);
      expect(result.options).to.include({ target: `${entry.url}/` });
      expect(result.remarks.slice(0, 3)).to.deep.equal([
        "the target's CPU time was not counted: name its processes (--processes NAME=PID,…)",
        "what was charged was not checked: name the target's processors, all of them (--processor NAME=URL)",
        "the target has the limits that it was started with, and whether they held it up is not known",
      ]);
    } finally {
      entry.close();
    }
  });

  it("asks for the p99, for no failures, and for everything to be processed soon", () => {
    const load = (p99Ms: number, failures: Record<string, number> = {}) => ({
      latencyMs: new Samples(Float64Array.of(p99Ms)),
      failures,
      failedCount: Object.values(failures).reduce((sum, count) => sum + count, 0),
    });
    const settled = (tookMs: number) => ({ processedCount: 1, chargedCount: 1, tookMs, problem: undefined });
    const limits = { p99MsMax: 11, processedWithinMs: 2000 };
    expect(shortfallsOf(load(10.9), settled(2000), limits)).to.deep.equal([]);
    expect(shortfallsOf(load(10.9), undefined, limits)).to.deep.equal([]);
    expect(shortfallsOf(load(11), settled(1), limits)).to.deep.equal(["p99 11.00 ms"]);
    expect(shortfallsOf(load(1, { timeout: 2 }), settled(1), limits)).to.deep.equal(["not accepted: timeout: 2"]);
    expect(shortfallsOf(load(1), settled(2001), limits)).to.deep.equal(["processed only after 2001 ms"]);
    const lost = { ...settled(1), tookMs: undefined, problem: "every accepted payment must be processed in time" };
    expect(shortfallsOf(load(1), lost, limits)).to.deep.equal([lost.problem]);
  });

  it("climbs in even steps", () => {
    const read = (...args: string[]) => {
      const wish = readArguments(CAPACITY_COMMAND, args);
      if (wish === "help") throw new Error("help");
      return wish;
    };
    const { options } = read("--from", "500", "--to", "2100", "--step", "500");
    expect(ratesOf(options)).to.deep.equal([500, 1000, 1500, 2000]);
    expect(() => read("--from", "500", "--to", "400")).to.throw("to must be a decimal from 500 to 50000");
  });
});
