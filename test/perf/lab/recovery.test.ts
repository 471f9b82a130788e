import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { expectPageDraws, medianOf, runAndRead } from "./saved-run.ts";

type Journals = { name: string; payments: number; records: number; bytes: number }[];

describe("recovery benchmark", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-recovery-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("starts instances with every kind of journal and finds every payment again", async function () {
    const run = await runAndRead(folder, "recovery/main.js", "--payments", "2000", "--rounds", "2");
    const journals = run.result.details as Journals;
    expect(journals.map(({ name, payments, records }) => [name, payments, records])).to.deep.equal([
      ["empty", 0, 0],
      ["segments", 2000, 6000],
      ["checkpoint", 2000, 2000],
    ]);
    for (const { name } of journals) expect(medianOf(run.result, `${name}, spawn to /health`)).to.be.greaterThan(0);
    expect(journals[2]!.bytes / 2000, "bytes a payment after compaction").to.be.at.most(128);
    await expectPageDraws(run, () => this.skip());
  });
});
