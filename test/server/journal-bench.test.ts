import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";

const MAIN = fileURLToPath(new URL("../../perf/recovery/main.js", import.meta.url));

type Figures = { journal: string; payments: number; records: number; bytes: number; healthMs: { median: number } };

describe("recovery benchmark", () => {
  it("starts instances with every kind of journal and finds every payment again", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      MAIN,
      "--payments",
      "2000",
      "--rounds",
      "1",
      "--json",
    ]);
    const figures = JSON.parse(stdout) as Figures[];
    expect(figures.map(({ journal, payments, records }) => [journal, payments, records])).to.deep.equal([
      ["empty", 0, 0],
      ["segments", 2000, 6000],
      ["checkpoint", 2000, 2000],
    ]);
    for (const { healthMs } of figures) expect(healthMs.median).to.be.greaterThan(0);
    expect(figures[2]!.bytes / 2000, "bytes a payment after compaction").to.be.at.most(128);
  });
});
