import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";

const SCRIPTS = ["checkout.cjs", "start.cjs"];
/** What has to be there to be looked at; nobody reads it. */
const FILES = [
  "tsconfig.json",
  "server/page/tsconfig.json",
  "docs/openapi.yaml",
  "scripts/bundle.mjs",
  "scripts/keep-code.mjs",
  "scripts/keep-code-at-exit.cjs",
  "core/engine.ts",
  "test/core/engine.test.ts",
  "build/core/engine.js",
  "build/server/api/openapi.json",
  "build/bundle/server/server-main-run.part.js.code",
];
const LOCK = JSON.stringify({ packages: { "": {}, "node_modules/a": { version: "1.0.0" } } });
/** Stands in for the real one, which says that it was there, and makes what it has been told to. */
const SETUP = `
  import checkout from "./checkout.cjs";
  console.log("setup");
  if (process.env.SETUP_FAILS) process.exit(3);
  checkout.stamp(checkout.partOf("program"));`;

describe("what npm start runs", () => {
  let root: string;

  function write(path: string, text = ""): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "rinha-checkout-"));
    for (const file of FILES) write(file);
    for (const name of SCRIPTS) copyFileSync(join(REPOSITORY_ROOT, "scripts", name), join(root, "scripts", name));
    write("scripts/setup.mjs", SETUP);
    write("build/bundle/perf/launch/main.js", 'console.log("launched", ...process.argv.slice(2));');
    write("package-lock.json", LOCK);
    write("node_modules/.package-lock.json", LOCK);
    write("node_modules/a/package.json", "{}");
  });

  afterEach(() => rmSync(root, { recursive: true }));

  function start(
    env: Record<string, string> = {},
    args: readonly string[] = [],
  ): { said: string[]; code: number | null } {
    const options = { encoding: "utf8", env: { ...process.env, BALANCER: "none", ...env } } as const;
    const { stdout, status } = spawnSync(process.execPath, [join(root, "scripts/start.cjs"), ...args], options);
    return { said: stdout.trim().split("\n"), code: status };
  }

  it("sets up first, and the next time it only starts, with the arguments that it was given", () => {
    expect(start().said).to.deep.equal(["setup", "launched"]);
    expect(start({}, ["--help"]).said).to.deep.equal(["launched --help"]);
  });

  const changes: Record<string, () => void> = {
    "a source is edited": () => write("core/engine.ts", "edited"),
    "a source is new": () => write("perf/launch/more.ts"),
    "a source is gone": () => rmSync(join(root, "core/engine.ts")),
    "an output is gone": () => rmSync(join(root, "build/core/engine.js")),
    "a package is gone": () => rmSync(join(root, "node_modules/a"), { recursive: true }),
    "other packages are wanted": () => write("package-lock.json", LOCK.replace("1.0.0", "1.0.1")),
  };
  for (const [what, change] of Object.entries(changes)) {
    it(`sets up again when ${what}`, () => {
      start();
      change();
      expect(start().said).to.deep.equal(["setup", "launched"]);
    });
  }

  it("does not wait for tests to be compiled", () => {
    start();
    write("test/core/engine.test.ts", "edited");
    expect(start().said).to.deep.equal(["launched"]);
  });

  it("starts nothing when setting up fails, and ends with the same code", () => {
    expect(start({ SETUP_FAILS: "1" })).to.deep.equal({ said: ["setup"], code: 3 });
  });
});
