import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { expectPageDraws, medianOf, runAndRead } from "./saved-run.ts";

describe("cost of reading bodies", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-body-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is measured for both readers, in process and in an instance", async function () {
    const options = ["--rounds", "2", "--bodies", "20000", "--seconds", "0.3", "--connections", "4"];
    const run = await runAndRead(folder, "body/main.js", ...options);
    for (const name of ["byte by byte", "JSON.parse"]) {
      expect(medianOf(run.result, name)).to.be.within(10, 1_000_000);
      expect(medianOf(run.result, `instance, ${name}, CPU each`)).to.be.within(1, 1_000_000);
    }
    // What the plain reader is there for: several times as fast on any machine, however noisy, and hardly any garbage.
    expect(medianOf(run.result, "byte by byte ÷ JSON.parse")).to.be.within(0.001, 0.8);
    expect(medianOf(run.result, "byte by byte, heap allocated")).to.be.below(64);
    await expectPageDraws(run, () => this.skip());
  });
});
