import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { readBaseline } from "../../../perf/lab/guard/baseline.ts";
import { describeMachine } from "../../../perf/lab/report/machine.ts";
import type { Result } from "../../../perf/lab/report/result.ts";

const MAIN = fileURLToPath(new URL("../../../perf/lab/guard/main.js", import.meta.url));
const run = promisify(execFile);

const baselineOf = (startedAt: string, kind = "cost"): Result => ({
  kind,
  title: "a baseline",
  startedAt,
  commit: { hash: "0123456789abcdef0123456789abcdef01234567", isDirty: false },
  machine: describeMachine(),
  options: { ratePerSecond: 200 },
  figures: [
    { name: "CPU per payment, ours ÷ floor", unit: "ratio", better: "lower", rounds: [0.0001, 0.0002] },
    { name: "CPU per payment, floor", unit: "µs", better: "lower", rounds: [100, 101] },
  ],
  remarks: [],
  charts: [],
});

describe("performance guard", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-guard-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function keep(name: string, result: Result): string {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(result));
    return path;
  }

  it("sets a short run's ratios beside the kept ones, and ends well however they turned out", async () => {
    const path = keep("2026-01-31-1200-cost-01234567.json", baselineOf("2026-01-31T12:00:00.000Z"));
    const args = ["--baseline", path, "--rounds", "1", "--seconds", "0.5"];
    const { stdout, stderr } = await run(process.execPath, [MAIN, ...args]);
    expect(stderr).to.equal("");
    expect(stdout).to.contain("multiples of the floors'").and.to.contain("Nothing passes or fails by it.");
    expect(stdout).to.match(/^CPU per payment, ours ÷ floor +0\.00015 +0\.0001–0\.0002 +[\d.]+ +ratio/m);
    expect(stdout).to.contain("CPU per payment at 200/s, 1 rounds of 0.5 s");
    expect(stdout).to.not.match(/^CPU per payment, floor/m);
  });

  it("gives up in time, in one line", async () => {
    const path = keep("baseline.json", baselineOf("2026-01-31T12:00:00.000Z"));
    const failed = await run(process.execPath, [MAIN, "--baseline", path, "--within", "1"]).catch((error) => error);
    const { code, stderr, stdout } = failed as { code: number; stderr: string; stdout: string };
    expect({ code, stderr, stdout }).to.deep.equal({
      code: 1,
      stderr: "could not measure: a short run must end in time: withinSeconds=1\n",
      stdout: "",
    });
  });

  it("takes the newest result of perf:cost that is of a clean commit", () => {
    keep("2026-01-31-1200-cost-01234567.json", baselineOf("2026-01-31T12:00:00.000Z"));
    keep("2026-02-01-1200-cost-01234567.json", baselineOf("2026-02-01T12:00:00.000Z"));
    keep("2026-02-02-1200-cost-01234567-dirty.json", baselineOf("2026-02-02T12:00:00.000Z"));
    keep("2026-02-03-1200-latency-01234567.json", baselineOf("2026-02-03T12:00:00.000Z", "latency"));
    expect(readBaseline(undefined, folder).startedAt).to.equal("2026-02-01T12:00:00.000Z");
    expect(() => readBaseline(join(folder, "2026-02-03"))).to.throw("the baseline must be a result of perf:cost");
    expect(() => readBaseline(undefined, join(folder, "none"))).to.throw("a baseline must be kept: folder=");
  });
});
