import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { medianOf, runAndRead } from "./saved-run.ts";

type Slice = { paymentCount: number; sampledCount: number };

const MAIN = fileURLToPath(new URL("../../../perf/lab/telemetry/main.js", import.meta.url));

describe("cost of telemetry", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-telemetry-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is measured for watchers and traces, every payment being processed", async () => {
    const modes = ["metrics scraped", "traces 100 %"];
    const small = ["--rounds", "1", "--seconds", "1.5", "--rate", "200", "--modes", modes.join(",")];
    const { result } = await runAndRead(folder, "telemetry/main.js", ...small);
    for (const mode of modes) expect(medianOf(result, `CPU per payment, ${mode}`), mode).to.be.within(1, 20_000);
    expect(medianOf(result, "CPU per look, metrics scraped")).to.be.within(-1000, 1000);
    const [, traces] = result.details as { rounds: { watched: Slice[]; unwatched: Slice[] }[] }[];
    for (const { watched, unwatched } of traces!.rounds) {
      // Each of the two was watched once, and what came in the last second was not sampled.
      for (const slice of watched) expect(slice.sampledCount).to.be.within(1, slice.paymentCount - 50);
      expect(unwatched.map(({ sampledCount }) => sampledCount)).to.deep.equal([0, 0]);
      for (const slice of [...watched, ...unwatched]) expect(slice.paymentCount).to.equal(150);
    }
  });

  it("knows its modes", async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [MAIN, "--no-save", "--modes", "metrics"]).then(
      () => ({ stderr: "" }),
      (error: { stderr: string }) => error,
    );
    expect(stderr).to.contain(
      'modes must be of "as it comes", "metrics scraped", "page open", "traces 0 %", "traces 1 %"',
    );
  });
});
