import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { costOf, typicalIdle } from "../../../perf/lab/cost/costs.ts";
import type { CostRound } from "../../../perf/lab/cost/measure.ts";
import type { ProfileSummary } from "../../../perf/lab/cost/profile-summary.ts";
import type { UsageBetween } from "../../../perf/lab/limits/usage-between.ts";
import { medianOf, runAndRead } from "./saved-run.ts";

const usage = (name: string, cpuMs: number, systemMs: number, elapsedMs: number): UsageBetween => ({
  name,
  cpuMs,
  systemMs,
  cpuShare: cpuMs / elapsedMs,
  throttledShare: 0,
  throttledCount: 0,
});

describe("cost of a payment", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-cost-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is measured by part, against the floor, with a profile", async () => {
    const args = ["--rate", "200", "--seconds", "1", "--rounds", "1", "--idle", "0.3", "--warm-up", "0.2"];
    const saved = await runAndRead(folder, "cost/main.js", ...args, "--lead-in", "0.2", "--profile", "1");
    const { rounds, profile } = saved.result.details as { rounds: CostRound[]; profile: ProfileSummary };
    expect(rounds.map(({ mode, paymentCount }) => [mode, paymentCount])).to.deep.equal([
      ["accept", 200],
      ["healthy", 200],
      ["floor", 200],
    ]);
    expect(rounds.map(({ problem }) => problem)).to.deep.equal([undefined, undefined, undefined]);
    const of = (name: string): number => medianOf(saved.result, name);
    const parts = of("of it nginx") + of("of it accepting") + of("of it processing");
    expect(of("CPU per payment, nginx and instances")).to.be.closeTo(parts, 1e-6);
    expect(of("CPU per payment, nginx and instances")).to.be.within(10, 20_000);
    expect(of("CPU per payment, floor")).to.be.within(5, 20_000);
    expect(profile.busyMs).to.be.within(1, 3000);
    const names = profile.categories.map(({ name }) => name);
    expect(names).to.include.members(["engine (core/)", "accepting (server/http, payment-service)", "Node.js itself"]);
    expect(profile.categories.reduce((sum, { selfMs }) => sum + selfMs, 0)).to.be.closeTo(profile.busyMs, 0.01);
    expect(profile.functions).to.have.length(25);
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
