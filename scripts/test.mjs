// npm test: lint, then the compiled tests in two lanes, then mocha's totals alone on the last line. Arguments go to
// mocha, except that paths under test/ are looked up in build/test/; then there is one lane, and it shows all at once:
//   npm test -- --grep "taken port"
//   npm test -- test/core test/perf/launch/topology.test.ts
// What takes minutes runs by npm run test:long, which is `--long`, and what is in test/containers/ by its own command.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const containers = "test/containers";
/** Campaigns, and what waits for outages of real servers for long: beginnings of paths. */
const long = [
  "test/perf/lab/",
  "test/simulation/",
  "test/e2e/cluster",
  "test/e2e/health-polls",
  "test/e2e/payment-table",
  "test/e2e/restored-store",
  "test/e2e/trace-outages",
  "test/server/health/poll-rights",
  "test/server/health/register-consent",
];
/** Most tests wait rather than compute. More lanes would make those late that look at the time. */
const laneCount = Math.min(2, availableParallelism());
const filesInBatch = 8;

/** Runs a package's own command with this node and resolves to whether it ended well. */
function run(script, args, { env = {}, stdio = "inherit", onText = () => {} } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "node_modules", script), ...args], {
      cwd: root,
      stdio,
      env: { ...process.env, ...env },
    });
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", onText);
    const forward = (signal) => child.kill(signal);
    process.on("SIGINT", forward).on("SIGTERM", forward);
    child.once("close", (code) => {
      process.off("SIGINT", forward).off("SIGTERM", forward);
      resolve(code === 0);
    });
  });
}

// ── Which tests ────────────────────────────────────────────────────────────────────────────────────────────────────

/** A path under test/ or build/test/ as the compiled files it stands for, or null when it is none. */
function compiledTests(argument) {
  const path = argument.replace(/^(\.\/)?(build\/)?/, "").replace(/\.ts$/, ".js");
  if (!/^test(\/|$)/.test(path)) return null;
  const compiled = join("build", path);
  const isFolder = existsSync(join(root, compiled)) && statSync(join(root, compiled)).isDirectory();
  return isFolder ? join(compiled, "**", "*.test.js") : compiled;
}

function testFilesBelow(folder) {
  const entries = readdirSync(join(root, "build", folder), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return path === containers ? [] : testFilesBelow(path);
    return entry.name.endsWith(".test.js") ? [path] : [];
  });
}

const isLong = (file) => long.some((beginning) => file.startsWith(beginning));

/** Some files each, of one folder of test/. Those that wait for processes come first: they take longest. */
function batches(files) {
  const roomOf = (file) => file.split("/")[1];
  const rooms = [...new Set(["e2e", "perf", ...files.map(roomOf)])];
  return rooms.flatMap((room) => {
    const own = files.filter((file) => roomOf(file) === room);
    const count = Math.ceil(own.length / filesInBatch);
    // Neighbours in the alphabet are alike, so each batch gets some of everything.
    return Array.from({ length: count }, (_, i) => own.filter((_file, at) => at % count === i));
  });
}

// ── Running them ───────────────────────────────────────────────────────────────────────────────────────────────────

const nothing = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** One mocha; its totals, with a failure more where it did not run to its end. */
async function runMocha(args, totalsFile, options) {
  const isOk = await run("mocha/bin/mocha.js", args, { ...options, env: { MOCHA_TOTALS_FILE: totalsFile } });
  if (!existsSync(totalsFile)) {
    return {
      ...nothing,
      failed: 1,
      failures: [`tests must run to their end: totals=none arguments=${args.join(" ")}`],
    };
  }
  const totals = JSON.parse(readFileSync(totalsFile, "utf8"));
  if (isOk || totals.failed > 0) return totals;
  return { ...totals, failed: 1, failures: [`mocha must end well: arguments=${args.join(" ")}`] };
}

function sum(all) {
  return all.reduce(
    (a, b) => ({
      passed: a.passed + b.passed,
      failed: a.failed + b.failed,
      skipped: a.skipped + b.skipped,
      failures: [...a.failures, ...b.failures],
    }),
    nothing,
  );
}

/** Each batch is shown when it has ended, so that the lanes' lines do not mix. */
async function runInLanes(files, folder) {
  const waiting = batches(files).map((batch, i) => ({ batch, totalsFile: join(folder, `${i}.json`) }));
  const all = [];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const texts = [];
      const args = next.batch.map((file) => join("build", file));
      const stdio = ["ignore", "pipe", "pipe"];
      all.push(await runMocha(args, next.totalsFile, { stdio, onText: (text) => texts.push(text) }));
      process.stdout.write(texts.join(""));
    }
  };
  await Promise.all(Array.from({ length: laneCount }, lane));
  return sum(all);
}

function runTests(args, folder) {
  if (args.length > 0 && args[0] !== "--long") {
    const isPath = args.some((argument) => compiledTests(argument) !== null);
    const mapped = args.map((argument) => compiledTests(argument) ?? argument);
    const everywhere = ["--ignore", `build/${containers}/**`, "build/test/**/*.test.js"];
    return runMocha(isPath ? mapped : [...mapped, ...everywhere], join(folder, "totals.json"));
  }
  const isWanted = args.length > 0 ? isLong : (file) => !isLong(file);
  return runInLanes(testFilesBelow("test").filter(isWanted).sort(), folder);
}

async function main(args) {
  const lintOk = await run("@biomejs/biome/bin/biome", ["check", "."]);
  const folder = mkdtempSync(join(tmpdir(), "rinha-totals-"));
  try {
    const { passed, failed, skipped, failures } = await runTests(args, folder);
    if (!lintOk) console.error("lint must pass: what it found is above the tests");
    for (const failure of failures) console.error(`failed: ${failure}`);
    console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
    process.exitCode = lintOk && passed + skipped > 0 && failed === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(process.argv.slice(2));
