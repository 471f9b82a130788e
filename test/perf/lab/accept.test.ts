import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { expectPageDraws, medianOf, runAndRead } from "./saved-run.ts";

describe("cost of accepting", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-accept-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is measured for the floor and every durability level, every payment being accepted", async function () {
    const run = await runAndRead(folder, "accept/main.js", "--rounds", "2", "--seconds", "0.3", "--connections", "4");
    for (const server of ["floor", "none", "write", "fsync"]) {
      expect(medianOf(run.result, `${server}, per core`)).to.be.within(100, 10_000_000);
      expect(medianOf(run.result, `${server}, p50`)).to.be.at.most(medianOf(run.result, `${server}, p99`));
    }
    // Nobody accepts more cheaply than the handler that does nothing else; 1.5 leaves room for a noisy machine.
    expect(medianOf(run.result, "write ÷ floor, per core")).to.be.within(0.01, 1.5);
    await expectPageDraws(run, () => this.skip());
  });
});
