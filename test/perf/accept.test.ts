import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";

const MAIN = fileURLToPath(new URL("../../perf/accept/main.js", import.meta.url));

describe("cost of accepting", () => {
  it("is measured for the floor and every durability level, every payment being accepted", async () => {
    const args = [MAIN, "--rounds", "1", "--seconds", "0.3", "--connections", "4"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    for (const server of ["floor", "none", "write", "fsync"])
      expect(stdout).to.match(new RegExp(`'${server}' +│ '\\d`));
    expect(stdout).to.not.contain("NaN");
  });
});
