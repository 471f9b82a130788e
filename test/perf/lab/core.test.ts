import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { HeapWatch } from "../../../perf/lab/limits/heap-watch.ts";
import { expectPageDraws, medianOf, runAndRead } from "./saved-run.ts";

describe("benchmark of the core", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-core-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("sees an object made in each operation, and none where there is none", async () => {
    const kept: object[] = new Array(1000);
    const words = new Int32Array(1000);
    const allocate = (): void => {
      for (let i = 0; i < kept.length; i++) kept[i] = { i };
    };
    const count = (): void => {
      for (let i = 0; i < words.length; i++) words[i]! += i;
    };
    const bytesOf = async (work: () => void): Promise<number> => {
      const heap = new HeapWatch();
      for (let stretch = 0; stretch < 20; stretch++) heap.stretch(1000, work);
      return (await heap.end()).bytesPerOperation;
    };
    // What compiling them leaves on the heap is not theirs.
    for (const work of [allocate, count]) await bytesOf(work);
    expect(await bytesOf(allocate)).to.be.within(16, 64);
    expect(await bytesOf(count)).to.be.below(8);
  });

  it("measures every operation at every size that fits into memory, and says which does not", async function () {
    const run = await runAndRead(
      folder,
      "core/main.js",
      "--sizes",
      "30000,2000",
      "--rounds",
      "1",
      "--payments",
      "60000",
    );
    expect(run.result.options).to.deep.equal({ sizes: [2000, 30_000], rounds: 1, payments: 60_000 });
    for (const { name, rounds, unit } of run.result.figures) {
      if (unit === "ns") expect(rounds[0], name).to.be.within(5, 1_000_000);
    }
    // Rows of 44 bytes, an index at most three quarters full, and the window totals; a larger ledger has the fixed
    // tables for less.
    expect(medianOf(run.result, "rows, index and totals per payment at 30 000")).to.be.within(49, 65);
    const buffers = (size: string): number => medianOf(run.result, `buffers per payment at ${size}`);
    expect(buffers("30 000")).to.be.within(60, buffers("2 000"));
    expect(medianOf(run.result, "heap allocated per accept at 30 000")).to.be.within(-1, 64);
    expect(run.result.remarks.join("\n")).to.match(/(met|MISSED): accept in 1 µs at every size/);
    await expectPageDraws(run, () => this.skip());
  });
});
