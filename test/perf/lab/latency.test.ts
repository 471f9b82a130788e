import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { readArguments } from "../../../perf/command/command-line.ts";
import { LATENCY_COMMAND } from "../../../perf/lab/latency/command-line.ts";
import type { LatencyRound } from "../../../perf/lab/latency/measure.ts";
import type { Percentiles } from "../../../perf/lab/load/samples.ts";
import { startOtherEntry } from "./other-entry.ts";
import { expectPageDraws, medianOf, runAndRead } from "./saved-run.ts";

const SMALL = ["--rounds", "1", "--seconds", "1", "--lead-in", "0.2", "--warm-up", "0.2"];

const NAMED_TARGET = ["--target", "http://x", "--processor", "b=http://y", "--processor", "a=http://z"];

/** As it is saved: distributions in place of samples. */
type SavedRound = Pick<LatencyRound, "contender" | "settlement" | "usage"> & {
  readonly load: {
    readonly ratePerSecond: number;
    readonly dueCount: number;
    readonly acceptedCount: number;
    readonly failedCount: number;
    readonly latencyMs: Percentiles;
    readonly latenessMs: Percentiles;
  };
};

describe("latency", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-latency-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is measured for ours and the floor, every payment being charged exactly once", async function () {
    const saved = await runAndRead(folder, "latency/main.js", "--rates", "50,200", ...SMALL);
    const { result } = saved;
    const { rounds } = result.details as { rounds: SavedRound[] };
    expect(rounds.map(({ contender, load }) => `${contender} ${load.ratePerSecond}`)).to.deep.equal([
      "ours 50",
      "floor 50",
      "fair floor 50",
      "ours 200",
      "floor 200",
      "fair floor 200",
    ]);
    for (const { contender, load, settlement, usage } of rounds) {
      const { ratePerSecond, acceptedCount, dueCount, failedCount, latencyMs, latenessMs } = load;
      expect({ acceptedCount, failedCount }).to.deep.equal({ acceptedCount: ratePerSecond * 1.2, failedCount: 0 });
      expect([dueCount, latencyMs.count, latenessMs.count]).to.deep.equal(Array(3).fill(ratePerSecond));
      if (contender === "ours") {
        expect(settlement).to.include({ processedCount: acceptedCount, chargedCount: acceptedCount });
        expect(settlement?.problem).to.equal(undefined);
      }
      expect(usage.find(({ name }) => name === "nginx")!.cpuMs).to.be.greaterThan(0);
    }
    const [ours, floor] = [rounds[3]!.load.latencyMs, rounds[4]!.load.latencyMs];
    expect(medianOf(result, "p99 at 200/s, ours")).to.equal(ours.p99Ms);
    expect(medianOf(result, "p50 at 200/s, ours ÷ floor")).to.be.closeTo(ours.p50Ms / floor.p50Ms, 1e-9);
    await expectPageDraws(saved, () => this.skip());
  });

  it("is measured of any other entry, whose payments nobody checks unless its processors are named", async () => {
    const entry = await startOtherEntry();
    try {
      const args = ["--target", entry.url, "--no-floor", "--rates", "100", ...SMALL, "--warm-up", "0"];
      const { result } = await runAndRead(folder, "latency/main.js", ...args);
      expect(entry.paymentCount).to.equal(120);
      expect(result.figures.map(({ name }) => name)).to.deep.equal(
        ["p50", "p99", "p99.9"].map((percentile) => `${percentile} at 100/s, target`),
      );
    } finally {
      entry.close();
    }
  });

  it("knows the processors of any other entry by their names", () => {
    const wish = readArguments(LATENCY_COMMAND, NAMED_TARGET);
    if (wish === "help") throw new Error("no help was asked for");
    const named = Object.entries(wish.target?.books?.processors ?? {}).map(([name, url]) => [name, url.href]);
    expect(named).to.deep.equal([
      ["b", "http://y/"],
      ["a", "http://z/"],
    ]);
  });

  it("says what is wrong with its arguments", async () => {
    expect(() => readArguments(LATENCY_COMMAND, ["--rates", "0"])).to.throw(
      "rates must be a decimal from 1 to 50000: rates=0",
    );
    expect(() => readArguments(LATENCY_COMMAND, ["--pacing", "never"])).to.throw(
      "pacing must be thread or timer: pacing=never",
    );
    expect(() => readArguments(LATENCY_COMMAND, ["--token", "1"])).to.throw("token must come with --target: token=1");
    expect(() => readArguments(LATENCY_COMMAND, ["--target", "http://x", "--default", "http://y"])).to.throw(
      "default and fallback must come together",
    );
    expect(() => readArguments(LATENCY_COMMAND, ["--processor", "a=http://y"])).to.throw("must come with --target");
    expect(() => readArguments(LATENCY_COMMAND, [...NAMED_TARGET, "--default", "http://y"])).to.throw(
      "default and fallback must come without --processor",
    );
    const main = fileURLToPath(new URL("../../../perf/lab/latency/main.js", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [main, "--help"]);
    expect(stdout).to.contain("--rates LIST");
  });
});
