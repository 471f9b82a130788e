import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { expectPageDraws, medianOf, runAndRead } from "./saved-run.ts";

describe("start benchmark", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-start-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("measures a bare process and instances, which load few files as they ship", async function () {
    const run = await runAndRead(folder, "start/main.js", "--rounds", "1", "--no-npm-start");
    for (const name of ["bare Node.js", "instance", "instance, from compiled files"])
      expect(medianOf(run.result, `${name}, CPU`), name).to.be.greaterThan(10);
    expect(medianOf(run.result, "CPU, instance ÷ bare")).to.be.greaterThan(1);
    expect(medianOf(run.result, "scripts loaded, instance")).to.be.below(25);
    expect(medianOf(run.result, "scripts loaded, from compiled files")).to.be.above(200);
    await expectPageDraws(run, () => this.skip());
  });
});
