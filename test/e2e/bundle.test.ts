import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import { INSTANCE_MAIN } from "../../perf/launch/plans.ts";
import { startLoneInstance } from "./lone-instance.ts";

const BUNDLE = dirname(INSTANCE_MAIN);

/** Names, sizes and times of all that is in the bundle's folder. */
function stateOf(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .map((name) => `${name} ${statSync(join(folder, name)).size} ${statSync(join(folder, name)).mtimeMs}`);
}

describe("the bundle", function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-bundled-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  async function startAndEnd(main: string): Promise<void> {
    const { child } = await startLoneInstance(folder, "ignore", {}, [], main);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).to.deep.equal([0, null]);
  }

  /** A copy, as in the image: the bundle is build/ there. */
  function copied(): string {
    const root = join(folder, "app");
    cpSync(dirname(BUNDLE), join(root, "build"), { recursive: true });
    symlinkSync(join(REPOSITORY_ROOT, "node_modules"), join(root, "node_modules"));
    cpSync(join(REPOSITORY_ROOT, "package.json"), join(root, "package.json"));
    return join(root, "build", "server");
  }

  it("has the code of what an instance and its threads run, which V8 takes", () => {
    const codes = readdirSync(BUNDLE).filter((name) => name.endsWith(".code"));
    expect(codes).to.include.members(["server-main-run.part.js.code", "server-worker.part.js.code"]);
    const program = `
      const { load, loadedParts } = require(${JSON.stringify(join(BUNDLE, "loader.js"))});
      process.argv.push("--help");
      load(${JSON.stringify(join(BUNDLE, "server-main.part.js"))});
      process.on("exit", () => {
        const taken = [...loadedParts()].map(({ path, script }) => path + " " + script.cachedDataRejected);
        require("node:fs").writeSync(2, taken.join("\\n"));
      });`;
    const { stderr } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
    const taken = stderr.split("\n").map((line) => basename(line));
    expect(taken).to.include.members(["server-main.part.js false", "server-main-run.part.js false"]);
  });

  it("has the signals' handlers before it loads the rest", () => {
    const program = `
      const { load, loadedParts } = require(${JSON.stringify(join(BUNDLE, "loader.js"))});
      load(${JSON.stringify(join(BUNDLE, "server-main.part.js"))});
      const names = [...loadedParts()].map(({ path }) => require("node:path").basename(path));
      require("node:fs").writeSync(1, JSON.stringify({ names, handlers: process.listenerCount("SIGTERM") }));
      process.exit();`;
    const { stdout } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
    const { names, handlers } = JSON.parse(stdout) as { names: string[]; handlers: number };
    expect(handlers).to.equal(1);
    expect(names).to.include("server-main.part.js").and.not.include("server-main-run.part.js");
  });

  it("is not written to by what runs", async () => {
    const before = stateOf(BUNDLE);
    await startAndEnd(INSTANCE_MAIN);
    expect(stateOf(BUNDLE)).to.deep.equal(before);
  });

  it("serves in another place, without any code, and with code that is not its own", async () => {
    const server = copied();
    const codes = readdirSync(server).filter((name) => name.endsWith(".code"));
    for (const name of codes) writeFileSync(join(server, name), "of something else");
    await startAndEnd(join(server, "main.js"));
    for (const name of codes) rmSync(join(server, name));
    await startAndEnd(join(server, "main.js"));
  });
});
