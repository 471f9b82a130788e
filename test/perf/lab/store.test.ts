import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readArguments } from "../../../perf/command/command-line.ts";
import { STORE_COMMAND } from "../../../perf/lab/store/command-line.ts";
import type { StoreRound } from "../../../perf/lab/store/measure.ts";
import { findPostgres } from "../../../perf/postgres/postgres-server.ts";
import { medianOf, runAndRead } from "./saved-run.ts";

const SMALL = "--rates 50 --rounds 2 --seconds 1 --lead-in 0.2 --warm-up 0.2 --idle 0.3 --pacing timer".split(" ");
const CPU = "CPU per payment of nginx and instances at 50/s";

describe("payments kept in PostgreSQL", function () {
  this.timeout(180_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-store-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("are measured beside those in journals, every one being charged exactly once", async function () {
    const found = findPostgres();
    if ("missing" in found) {
      this.test!.title = `is skipped: ${found.missing}`;
      return this.skip();
    }
    const { result } = await runAndRead(folder, "store/main.js", ...SMALL);
    const { rounds } = result.details as { rounds: StoreRound[] };
    const order = ["write", "fsync", "store", "store", "fsync", "write"];
    expect(rounds.map(({ contender }) => contender)).to.deep.equal(order);
    for (const { contender, load, settlement, store } of rounds) {
      expect(load).to.include({ acceptedCount: 60, failedCount: 0 });
      expect(settlement, contender).to.include({ processedCount: 60, chargedCount: 60 });
      expect(settlement!.problem).to.equal(undefined);
      expect(store !== undefined, contender).to.equal(contender === "store");
    }
    const loads = rounds.filter(({ contender }) => contender === "store");
    for (const { store, load, usage } of loads) {
      const { appendsPerSecond, recordsPerAppend, chunksPerAppend, walBytes } = store!;
      // Accepted and sent, and processed: two at least of each payment, or what is still out as the load ends.
      const recordCount = (appendsPerSecond * recordsPerAppend * load.elapsedMs) / 1000;
      expect(recordCount).to.be.within(1.5 * load.acceptedCount, 5 * load.acceptedCount);
      expect(chunksPerAppend).to.be.within(1, 12);
      expect(walBytes).to.be.above(48 * recordCount);
      const names = usage.map(({ name }) => name);
      expect(names).to.include.members(["nginx", "instance-1", "instance-2", "postgres-primary", "postgres-standby"]);
      expect(usage.find(({ name }) => name === "postgres-primary")!.cpuMs).to.be.above(0);
    }
    const [p50OfStore, p50OfFsync] = ["store", "fsync"].map((name) =>
      rounds
        .filter(({ contender }) => contender === name)
        .map(({ load }) => (load.latencyMs as unknown as { p50Ms: number }).p50Ms),
    );
    const judged = result.figures.find(({ name }) => name === "p50 at 50/s, store ÷ (2.5 × fsync + 1 ms)")!;
    for (const [i, ratio] of judged.rounds.entries())
      expect(ratio).to.be.closeTo(p50OfStore![i]! / (2.5 * p50OfFsync![i]! + 1), 1e-9);
    expect(medianOf(result, "updates of rinha.partition that are HOT")).to.be.within(0.95, 1);
    expect(medianOf(result, "appends at 50/s")).to.be.above(0);
    expect(medianOf(result, "CPU per payment of PostgreSQL and its standby at 50/s")).to.be.a("number");
    expect(medianOf(result, "p50 at 50/s, store")).to.be.closeTo((p50OfStore![0]! + p50OfStore![1]!) / 2, 1e-9);
    for (const name of ["write", "fsync", "store"]) expect(medianOf(result, `${CPU}, ${name}`)).to.be.a("number");
    expect(result.remarks.join("\n")).to.contain("have no limits").and.to.contain("not asked for");
  });

  it("are measured without limits, unless some are asked for", () => {
    const limitsOf = (...args: string[]) => {
      const wish = readArguments(STORE_COMMAND, args);
      return wish === "help" ? undefined : wish.limits;
    };
    expect(limitsOf()).to.equal(undefined);
    expect(limitsOf("--instance-limit", "0.7:200")).to.deep.equal({
      nginx: { cpus: 0.3, memoryBytes: 50 * 2 ** 20 },
      instance: { cpus: 0.7, memoryBytes: 200 * 2 ** 20 },
    });
  });

  it("say what is wrong with their arguments", () => {
    const read = (...args: string[]) => readArguments(STORE_COMMAND, args);
    expect(() => read("--rates", "0")).to.throw("rates must be a decimal from 1 to 50000: rates=0");
    expect(() => read("--pacing", "never")).to.throw("pacing must be thread or timer: pacing=never");
    expect(() => read("--idle", "0")).to.throw("idle must be a decimal from 0.1 to 60: idle=0");
  });
});
