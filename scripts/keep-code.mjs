// Keeps V8's compiled code of the bundled instance, processor and launcher: starts each, lets it work for a moment, and
// ends it. What has run by then lies beside the bundle's parts, and is not compiled again at a start.
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const plans = join(root, "build/perf/launch/plans.js");
const launcher = join(root, "build/bundle/perf/launch/main.js");
const keeping = join(root, "scripts/keep-code-at-exit.cjs");
const START_MS_MAX = 30_000;
const LOOK_MS = 20;
const ROUNDS = 40;
const PAYMENTS_EACH = 8;
/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:9";

function startProcess(args, env = process.env) {
  return spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), START_MS_MAX);
  await gone;
  clearTimeout(timer);
}

async function startProcessor() {
  const { PROCESSOR_MAIN } = await import(plans);
  const child = startProcess([
    "--require",
    keeping,
    PROCESSOR_MAIN,
    "--name=default",
    "--port",
    "0",
    "--host",
    "127.0.0.1",
    "--fee",
    "0.05",
  ]);
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  return { child, url: /url=(\S+)/.exec(line)[1] };
}

async function startInstance(folder, processorUrl) {
  const { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } = await import(plans);
  const env = {
    PATH: process.env.PATH,
    PROFILE: "contest",
    LOG_LEVEL: "warn",
    INSTANCE: "1",
    LISTEN: `unix:${join(folder, "instance.sock")}`,
    // The other one is never there.
    LINKS: `unix:${join(folder, "link-1.sock")},unix:${join(folder, "link-2.sock")}`,
    DATA_DIR: join(folder, "data"),
    PARTITIONS: "2",
    DEFAULT_PROCESSOR_URL: processorUrl,
    FALLBACK_PROCESSOR_URL: NOWHERE,
  };
  const child = startProcess([...INSTANCE_NODE_FLAGS, "--require", keeping, INSTANCE_MAIN], env);
  child.stdout.resume();
  return child;
}

/** The status of an answer; 0 without one. */
function ask(agent, method, path, body) {
  return new Promise((resolve) => {
    const asked = request({ socketPath: agent.options.socketPath, agent, method, path }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    });
    asked.once("error", () => resolve(0));
    asked.end(body);
  });
}

async function untilItServes(agent, child) {
  const untilMs = performance.now() + START_MS_MAX;
  while ((await ask(agent, "GET", "/health")) !== 200) {
    if (child.exitCode !== null || performance.now() > untilMs)
      throw new Error(`the bundled instance must start: code=${child.exitCode}`);
    await sleep(LOOK_MS);
  }
}

function pay(agent) {
  const id = randomUUID();
  return ask(agent, "POST", "/payments", JSON.stringify({ correlationId: id, amount: 19.9 }));
}

async function work(agent) {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(Array.from({ length: PAYMENTS_EACH }, () => pay(agent)));
  }
  for (const path of ["/payments-summary", "/ready", "/metrics", `/payments/${randomUUID()}`, "/"])
    await ask(agent, "GET", path);
}

/** Starts and ends a whole service. */
async function launch() {
  const env = {
    ...process.env,
    PORT: "0",
    DEFAULT_PROCESSOR_PORT: "0",
    FALLBACK_PROCESSOR_PORT: "0",
    BALANCER: "none",
  };
  const child = startProcess(["--require", keeping, launcher], env);
  try {
    for await (const line of createInterface({ input: child.stdout })) if (line.startsWith("Ctrl-C")) break;
  } finally {
    await end(child);
  }
  if (child.exitCode !== 0) throw new Error(`the bundled launcher must end well: code=${child.exitCode}`);
}

/** The code that V8 would not take does no harm, but it is no use either. */
async function checkCode() {
  const { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } = await import(plans);
  const bundled = dirname(INSTANCE_MAIN);
  const program = `
    const { load, loadedParts } = require("${bundled}/loader.js");
    process.argv.push("--help");
    load("${bundled}/server-main.part.js");
    process.on("exit", () => {
      process.exitCode = [...loadedParts()].every(({ script }) => script.cachedDataRejected === false) ? 0 : 1;
    });`;
  const child = startProcess([...INSTANCE_NODE_FLAGS, "-e", program]);
  child.stdout.resume();
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`V8 must take the code that it has just made: node=${process.version}`);
}

export async function keepCode() {
  const folder = mkdtempSync(join(tmpdir(), "rinha-code-"));
  const agent = new Agent({ keepAlive: true, socketPath: join(folder, "instance.sock") });
  const processor = await startProcessor();
  try {
    const instance = await startInstance(folder, processor.url);
    try {
      await untilItServes(agent, instance);
      await work(agent);
    } finally {
      agent.destroy();
      await end(instance);
    }
    if (instance.exitCode !== 0) throw new Error(`the bundled instance must end well: code=${instance.exitCode}`);
  } finally {
    await end(processor.child);
    rmSync(folder, { recursive: true, force: true });
  }
  await launch();
  await checkCode();
}
