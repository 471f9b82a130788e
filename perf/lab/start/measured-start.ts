import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { RequestOptions } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { answersHealth } from "../../launch/readiness.ts";
import { readCpuSeconds } from "../limits/process-usage.ts";

const LOOK_INTERVAL_MS = 2;
const TIMEOUT_MS = 60_000;
/** Nobody listens there, and nothing is to be sent. */
const NOWHERE_URL = "http://127.0.0.1:9";

/**
 * Of all that is measured but npm start, and that has no NODE_EXTRA_CA_CERTS either: every Node.js process would read
 * those certificates first, which takes as long as all else that a bare one does.
 */
const BARE_ENVIRONMENT: NodeJS.ProcessEnv = { PATH: process.env["PATH"] };

export type StartTimes = {
  /** From the spawn to the first answer, or to the end of what answers nobody. */
  readonly wallMs: number;
  /** Of the process, by then. */
  readonly cpuMs: number;
};

/** CPU time of a group, where there is one. */
export type CpuReader = () => number | undefined;

/** A bare process: what it takes until it has ended. */
export async function measureBare(command: readonly string[], readCpuMs: CpuReader): Promise<StartTimes> {
  const cpuBeforeMs = readCpuMs();
  const beganAtMs = performance.now();
  const child = spawnCommand(command, BARE_ENVIRONMENT);
  let ticksMs = 0;
  while (child.exitCode === null && child.signalCode === null) {
    ticksMs = ownCpuMs(child) ?? ticksMs;
    await sleep(LOOK_INTERVAL_MS);
  }
  return { wallMs: performance.now() - beganAtMs, cpuMs: difference(readCpuMs(), cpuBeforeMs) ?? ticksMs };
}

/** An instance with an empty journal. `command` begins with what puts it into its group. */
export async function measureInstance(
  command: readonly string[],
  readCpuMs: CpuReader,
  extraEnv: Readonly<Record<string, string>> = {},
): Promise<StartTimes> {
  const folder = mkdtempSync(join(tmpdir(), "rinha-start-"));
  const socketPath = join(folder, "service.sock");
  const env = { ...instanceEnvironment(folder, socketPath), ...extraEnv };
  const cpuBeforeMs = readCpuMs();
  const beganAtMs = performance.now();
  const child = spawnCommand(command, env);
  try {
    await untilItAnswers(child, { socketPath }, beganAtMs);
    const wallMs = performance.now() - beganAtMs;
    return { wallMs, cpuMs: difference(readCpuMs(), cpuBeforeMs) ?? ownCpuMs(child) ?? 0 };
  } finally {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `npm start` on this port; nothing of it is left. Returns the time to its first answer. */
export async function measureNpmStart(folder: string, port: number): Promise<number> {
  const env = {
    ...process.env,
    PORT: `${port}`,
    DEFAULT_PROCESSOR_PORT: "0",
    FALLBACK_PROCESSOR_PORT: "0",
    PROCESSORS: "",
    STORE_URL: "",
    NODE_EXTRA_CA_CERTS: undefined,
  };
  const beganAtMs = performance.now();
  // A group of its own: npm passes no signal on to what it runs through a shell.
  const child = spawn("npm", ["start"], { cwd: folder, env, detached: true, stdio: "ignore" });
  try {
    await untilItAnswers(child, { host: "127.0.0.1", port }, beganAtMs);
    return performance.now() - beganAtMs;
  } finally {
    const gone = once(child, "close");
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid!, "SIGTERM");
      await gone;
    }
  }
}

function instanceEnvironment(folder: string, socketPath: string): NodeJS.ProcessEnv {
  return {
    ...BARE_ENVIRONMENT,
    INSTANCE: "1",
    LISTEN: `unix:${socketPath}`,
    LINKS: `unix:${join(folder, "link-1.sock")},unix:${join(folder, "link-2.sock")}`,
    DATA_DIR: join(folder, "data"),
    PROFILE: "contest",
    LOG_LEVEL: "warn",
    DEFAULT_PROCESSOR_URL: NOWHERE_URL,
    FALLBACK_PROCESSOR_URL: NOWHERE_URL,
  };
}

function spawnCommand([file, ...args]: readonly string[], env: NodeJS.ProcessEnv): ChildProcess {
  return spawn(file!, args, { env, stdio: ["ignore", "ignore", "inherit"] });
}

async function untilItAnswers(child: ChildProcess, where: RequestOptions, beganAtMs: number): Promise<void> {
  while (!(await answersHealth(where))) {
    if (child.exitCode !== null) throw new Error(`what starts must not end: code=${child.exitCode}`);
    if (performance.now() - beganAtMs > TIMEOUT_MS) throw new Error(`it must start in time: timeoutMs=${TIMEOUT_MS}`);
    await sleep(LOOK_INTERVAL_MS);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "close");
  // Whoever wants to see what was loaded waits for an end in order.
  child.kill("SIGTERM");
  await gone;
}

function ownCpuMs({ pid }: ChildProcess): number | undefined {
  const seconds = readCpuSeconds([`${pid}`]);
  return seconds === undefined ? undefined : seconds * 1000;
}

function difference(after: number | undefined, before: number | undefined): number | undefined {
  return after === undefined || before === undefined ? undefined : after - before;
}
