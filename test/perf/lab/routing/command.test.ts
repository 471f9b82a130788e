import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { readArguments } from "../../../../perf/command/command-line.ts";
import { ROUTING_COMMAND } from "../../../../perf/lab/routing/command-line.ts";

const MAIN = fileURLToPath(new URL("../../../../perf/lab/routing/main.js", import.meta.url));

describe("perf:routing", () => {
  const read = (...args: string[]) => {
    const wish = readArguments(ROUTING_COMMAND, args);
    if (wish === "help") throw new Error("help");
    return wish;
  };

  it("reports the weathers by which no constant was chosen, unless told otherwise", () => {
    expect(read("--weathers", "6").seeds).to.deep.equal([1, 3, 5]);
    expect(read("--weathers", "5", "--from", "10", "--half", "even").seeds).to.deep.equal([10, 12, 14]);
    expect(read("--weathers", "3", "--half", "both").seeds).to.deep.equal([0, 1, 2]);
    expect(read("--policies", "120 ms rule").policies).to.deep.equal(["ours", "120 ms rule"]);
  });

  it("says what is wrong with its arguments", () => {
    expect(() => read("--half", "left")).to.throw("half must be odd, even, both: half=left");
    expect(() => read("--only", "x")).to.throw("only must be preview, final, random: only=x");
    expect(() => read("--policies", "best")).to.throw("policies must be two patiences");
  });

  it("compares policies, the same on however many threads", async () => {
    const run = async (...args: string[]): Promise<string> => {
      const all = [MAIN, "--no-save", "--only", "random", "--weathers", "4", "--half", "both", ...args];
      const { stdout, stderr } = await promisify(execFile)(process.execPath, all);
      // Nobody watches a terminal here.
      expect(stderr).to.equal("");
      // Which weather to look at, for each policy.
      expect(stdout).to.match(/ours: worst in random \d, [\d.]+ bp/);
      return stdout.replace(/^commit .*$/m, "");
    };
    const [one, two] = [await run("--workers", "1"), await run("--workers", "2")];
    expect(one).to.equal(two);
    expect(one).to.match(/random, ours: below the optimum, mean +[\d.]+ /);
    expect(one).to.match(/random, ours: below the optimum, worst +[\d.]+ /);
    expect(one).to.include("random, 120 ms rule: ours within 2 bp of it or better");
  }).timeout(60_000);

  it("prints JSON alone for programs, and where it was saved", async () => {
    const args = [MAIN, "--json", "--no-save", "--only", "random", "--weathers", "2", "--half", "both"];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    const result = JSON.parse(stdout) as Record<string, unknown>;
    expect(stderr).to.equal("");
    expect(result).to.include({ kind: "routing" }).and.to.not.have.property("details");
    expect(result["savedAs"]).to.deep.equal([]);
    expect(result["figures"]).to.be.an("array").with.length.above(0);
  }).timeout(60_000);
});
