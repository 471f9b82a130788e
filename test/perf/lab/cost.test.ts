import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readArguments } from "../../../perf/command/command-line.ts";
import { Child } from "../../../perf/lab/contenders/child.ts";
import { COST_COMMAND } from "../../../perf/lab/cost/command-line.ts";
import { costOf, typicalIdle } from "../../../perf/lab/cost/costs.ts";
import type { CostRound } from "../../../perf/lab/cost/measure.ts";
import type { ProfileSummary } from "../../../perf/lab/cost/profile-summary.ts";
import { FLOOR_MAIN } from "../../../perf/lab/floor/programs.ts";
import type { UsageBetween } from "../../../perf/lab/limits/usage-between.ts";
import { freePorts } from "../../../perf/launch/ports.ts";
import { startOtherEntry } from "./other-entry.ts";
import { medianOf, runAndRead } from "./saved-run.ts";

const usage = (name: string, cpuMs: number, systemMs: number, elapsedMs: number): UsageBetween => ({
  name,
  cpuMs,
  systemMs,
  cpuShare: cpuMs / elapsedMs,
  throttledShare: 0,
  throttledCount: 0,
});

const SMALL = "--rate 200 --seconds 1 --rounds 1 --idle 0.3 --warm-up 0.2 --lead-in 0.2".split(" ");

const cpuMsOf = (usages: readonly UsageBetween[], name: string): number =>
  usages.find((usage) => usage.name === name)!.cpuMs;

describe("cost of a payment", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-cost-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is measured by part, against the floor, with a profile", async () => {
    const saved = await runAndRead(folder, "cost/main.js", ...SMALL, "--profile", "1");
    const { rounds, profile } = saved.result.details as { rounds: CostRound[]; profile: ProfileSummary };
    expect(rounds.map(({ mode, paymentCount }) => [mode, paymentCount])).to.deep.equal([
      ["accept", 200],
      ["healthy", 200],
      ["floor", 200],
      ["fair floor", 200],
    ]);
    expect(rounds.map(({ problem }) => problem)).to.deep.equal([undefined, undefined, undefined, undefined]);
    const of = (name: string): number => medianOf(saved.result, name);
    const parts = of("of it nginx") + of("of it accepting") + of("of it processing");
    expect(of("CPU per payment, nginx and instances")).to.be.closeTo(parts, 1e-6);
    const floorParts = of("of the floor's nginx") + of("of the floor's processes");
    expect(of("CPU per payment, floor")).to.be.closeTo(floorParts, 1e-6);
    const fairParts =
      of("of the fair floor's nginx") + of("of the fair floor's processes") + of("of the fair floor's sender");
    expect(of("CPU per payment, fair floor")).to.be.closeTo(fairParts, 1e-6);
    // What idling takes is taken off, and on a busy machine that may be more: what was taken in all is sure.
    for (const { mode, usage } of rounds) {
      const names = ["nginx", "instance-1", "instance-2", ...(mode === "fair floor" ? ["companion-sender"] : [])];
      for (const name of names) expect(cpuMsOf(usage, name), `${mode}, ${name}`).to.be.within(0.1, 10_000);
    }
    expect(profile.busyMs).to.be.within(1, 3000);
    const names = profile.categories.map(({ name }) => name);
    expect(names).to.include.members([
      "engine (core/)",
      "accepting (server/api, http, payments, text)",
      "Node.js itself",
    ]);
    expect(profile.categories.reduce((sum, { selfMs }) => sum + selfMs, 0)).to.be.closeTo(profile.busyMs, 0.01);
    expect(profile.functions).to.have.length(25);
  });

  it("is measured of any other entry whose processes are named, and says what could not be told", async () => {
    const [port] = await freePorts(1);
    const entry = await Child.listening([FLOOR_MAIN], port!, { ...process.env, LISTEN: `tcp:127.0.0.1:${port}` });
    try {
      const target = ["--target", `http://127.0.0.1:${port}`, "--processes", `instance-1=${entry.pid}`];
      const saved = await runAndRead(folder, "cost/main.js", ...target, ...SMALL);
      const { rounds } = saved.result.details as { rounds: CostRound[] };
      expect(rounds.map(({ mode }) => mode)).to.deep.equal(["healthy", "floor", "fair floor"]);
      const cost = medianOf(saved.result, "CPU per payment, nginx and instances");
      expect(medianOf(saved.result, "of it nginx")).to.equal(0);
      const ratio = medianOf(saved.result, "CPU per payment, target ÷ floor");
      expect(ratio).to.be.closeTo(cost / medianOf(saved.result, "CPU per payment, floor"), 1e-9);
      const remarks = saved.result.remarks.join("\n");
      expect(remarks).to.contain("accepting and processing are not separated").and.to.contain("no profile");
    } finally {
      await entry.stop();
    }
  });

  it("tells only the floors' beside an entry whose processes nobody has named, and says so", async () => {
    const entry = await startOtherEntry();
    try {
      const { result } = await runAndRead(folder, "cost/main.js", "--target", entry.url, ...SMALL);
      const names = result.figures.map(({ name }) => name);
      expect(names).to.include("CPU per payment, floor").and.to.include("CPU per payment, fair floor");
      expect(names.filter((name) => name.includes("target") || name.includes("nginx and instances"))).to.deep.equal([]);
      const remarks = result.remarks.join("\n");
      expect(remarks).to.contain("the target's CPU time was not counted: name its processes (--processes NAME=PID,…)");
      expect(remarks).to.contain("what was charged was not checked").and.to.not.contain("idling takes");
    } finally {
      entry.close();
    }
  });

  it("counts processes of a target only, each by its name and id", () => {
    const read = (...args: string[]) => readArguments(COST_COMMAND, args);
    expect(() => read("--processes", "nginx=1")).to.throw("processes must come with --target: processes=nginx=1");
    expect(() => read("--target", "http://x", "--processes", "nginx")).to.throw(
      "processes must be NAME=PID, separated by commas: processes=nginx",
    );
  });

  it("is what was taken while paid less what is taken anyway, per payment", () => {
    const busy = [usage("nginx", 100, 60, 1000), usage("instance-1", 300, 50, 1000)];
    const idle = typicalIdle([
      [usage("nginx", 0, 0, 500), usage("instance-1", 10, 5, 500)],
      [usage("nginx", 0, 0, 500), usage("instance-1", 400, 300, 500)],
      [usage("nginx", 0, 0, 500), usage("instance-1", 2, 2, 500)],
    ]);
    expect(costOf(["nginx"], busy, idle, 1000)).to.deep.equal({ userUs: 40, systemUs: 60 });
    expect(costOf(["nginx", "instance-1"], busy, idle, 1000)).to.deep.equal({ userUs: 280, systemUs: 100 });
    expect(() => costOf(["instance-2"], busy, idle, 1)).to.throw("a process must be measured: name=instance-2");
  });
});
