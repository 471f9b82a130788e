import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";

const MAIN = fileURLToPath(new URL("../../perf/telemetry/main.js", import.meta.url));

describe("cost of telemetry", () => {
  it("is measured for every mode, every payment being processed", async () => {
    const args = [MAIN, "--rounds", "1", "--seconds", "0.2", "--connections", "4"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    for (const mode of ["off", "traces 1 %", "traces 100 %"]) expect(stdout).to.match(new RegExp(`'${mode}' +│ '\\d`));
    expect(stdout).to.not.contain("NaN");
  });

  it("knows its modes", async () => {
    const { stderr } = await promisify(execFile)(process.execPath, [MAIN, "--modes", "metrics"]).then(
      () => ({ stderr: "" }),
      (error: { stderr: string }) => error,
    );
    expect(stderr).to.contain('modes must be of "off", "traces 1 %", "traces 100 %": modes=metrics');
  });
});
