import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { expect } from "chai";
import { errorLine } from "../../../server/text/argument-error.ts";
import { slowProgress, UNWATCHED, watchedProgress } from "../../../server/text/progress.ts";

describe("progress", () => {
  it("says nothing for two seconds, and then a line a second at most", async () => {
    const lines: string[] = [];
    const progress = slowProgress((line) => lines.push(line));
    progress("at once");
    expect(lines).to.deep.equal([]);
    await sleep(2050);
    progress("first");
    progress("too soon");
    expect(lines).to.deep.equal(["first\n"]);
  });

  it("is for people who watch: not for programs, nor where the standard error is no terminal", () => {
    const { isTTY } = process.stderr;
    try {
      process.stderr.isTTY = true;
      expect(watchedProgress(true)).to.equal(UNWATCHED);
      expect(watchedProgress(false)).to.not.equal(UNWATCHED);
      process.stderr.isTTY = false;
      expect(watchedProgress(false)).to.equal(UNWATCHED);
    } finally {
      process.stderr.isTTY = isTTY;
    }
  });
});

describe("error of a command", () => {
  function failureOf(args: string[]): unknown {
    try {
      parseArgs({ args, options: { from: { type: "string" } } });
    } catch (error) {
      return error;
    }
    throw new Error(`the arguments must be wrong: args=${args}`);
  }

  it("says what to do about arguments that nobody knows", () => {
    const line = (...args: string[]) => errorLine(failureOf(args));
    expect(line("--form", "x")).to.equal("arguments must be those of --help: Unknown option '--form'");
    expect(line("x")).to.equal("arguments must be those of --help: Unexpected argument 'x'");
    expect(line("--from")).to.equal("arguments must be those of --help: Option '--from <value>' argument missing");
  });

  it("is its own text otherwise", () => {
    expect(errorLine(new Error("rate must be a decimal: rate=x"))).to.equal("rate must be a decimal: rate=x");
    expect(errorLine("gone")).to.equal("gone");
  });
});
