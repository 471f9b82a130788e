import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { medianOf, runAndRead } from "./saved-run.ts";

const MAIN = fileURLToPath(new URL("../../../perf/lab/telemetry/main.js", import.meta.url));

describe("cost of telemetry", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-telemetry-test-"));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("is measured for every mode, every payment being processed", async () => {
    const small = ["--rounds", "1", "--seconds", "1.1", "--connections", "4"];
    const { result } = await runAndRead(folder, "telemetry/main.js", ...small);
    const modes = ["as it comes", "metrics scraped", "page open", "traces 1 %", "traces 100 %", "everything"];
    for (const mode of modes) {
      expect(medianOf(result, `throughput per core, ${mode} ÷ off`), mode).to.be.within(0.02, 10);
      expect(medianOf(result, `CPU per payment, ${mode}`), mode).to.be.within(1, 20_000);
    }
  });

  it("knows its modes", async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [MAIN, "--no-save", "--modes", "metrics"]).then(
      () => ({ stderr: "" }),
      (error: { stderr: string }) => error,
    );
    expect(stderr).to.contain('modes must be of "off", "as it comes", "metrics scraped", "page open", "traces 1 %"');
  });
});
