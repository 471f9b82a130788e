// npm test: lint, then every compiled test, then mocha's totals alone on the last line. Arguments go to mocha,
// except that paths under test/ are looked up in build/test/:
//   npm test -- --grep "taken port"
//   npm test -- test/core test/perf/launch/topology.test.ts
// The tests in containers run only when they are named: npm run test:containers.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a package's own command with this node and resolves to whether it ended well. */
function run(script, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "node_modules", script), ...args], {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, ...env },
    });
    const forward = (signal) => child.kill(signal);
    process.on("SIGINT", forward).on("SIGTERM", forward);
    child.once("close", (code) => {
      process.off("SIGINT", forward).off("SIGTERM", forward);
      resolve(code === 0);
    });
  });
}

/** A path under test/ or build/test/ as the compiled files it stands for, or null when it is none. */
function compiledTests(argument) {
  const path = argument.replace(/^(\.\/)?(build\/)?/, "").replace(/\.ts$/, ".js");
  if (!/^test(\/|$)/.test(path)) return null;
  const compiled = join("build", path);
  const isFolder = existsSync(join(root, compiled)) && statSync(join(root, compiled)).isDirectory();
  return isFolder ? join(compiled, "**", "*.test.js") : compiled;
}

function mochaArguments(args) {
  const isPath = args.map((argument) => compiledTests(argument) !== null);
  const mapped = args.map((argument) => compiledTests(argument) ?? argument);
  if (isPath.includes(true)) return mapped;
  return [...mapped, "--ignore", "build/test/containers/**", "build/test/**/*.test.js"];
}

function readTotals(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
}

async function main() {
  const lintOk = await run("@biomejs/biome/bin/biome", ["check", "."]);
  const folder = mkdtempSync(join(tmpdir(), "rinha-totals-"));
  const totalsFile = join(folder, "totals.json");
  try {
    const testsOk = await run("mocha/bin/mocha.js", mochaArguments(process.argv.slice(2)), {
      MOCHA_TOTALS_FILE: totalsFile,
    });
    const totals = readTotals(totalsFile);
    if (!lintOk) console.error("lint must pass: what it found is above the tests");
    if (totals === null) console.error("tests must run to their end: totals=none");
    else {
      const { passed, failed, skipped } = totals;
      console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    }
    const isRun = totals !== null && totals.passed + totals.skipped > 0;
    process.exitCode = lintOk && testsOk && isRun && totals.failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
