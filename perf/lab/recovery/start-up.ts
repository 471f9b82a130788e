import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import { answersHealth } from "../../launch/readiness.ts";
import { MEBIBYTE } from "../limits/limit.ts";
import { readRssPeakBytes } from "../limits/process-usage.ts";

const TIMEOUT_MS = 120_000;
const POLL_INTERVAL_MS = 2;
/** Nobody listens there, and nothing is to be sent. */
const NOWHERE_URL = "http://127.0.0.1:9";

export type StartUp = {
  /** From the spawn to the first answer. */
  healthMs: number;
  /** What the instance says of its own replay. */
  replayMs: number;
  payments: number;
  maxRssMb: number;
};

/** Starts a real instance with the journal in `dataDir`, waits for its first answer, and ends it by force. */
export async function startUp(dataDir: string, capacity: number): Promise<StartUp> {
  const socketPath = join(dataDir, "service.sock");
  const env = {
    ...process.env,
    INSTANCE: "1",
    LISTEN: `unix:${socketPath}`,
    LINKS: "",
    DATA_DIR: dataDir,
    DURABILITY: "write",
    CAPACITY: `${capacity}`,
    LOG_LEVEL: "info",
    PROCESSORS: "",
    DEFAULT_PROCESSOR_URL: NOWHERE_URL,
    FALLBACK_PROCESSOR_URL: NOWHERE_URL,
  };
  const beganAtMs = performance.now();
  const child = spawn(process.execPath, [...INSTANCE_NODE_FLAGS, INSTANCE_MAIN], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const replayed = firstLine(child, "journal replayed");
    while (!(await answersHealth({ socketPath }))) {
      if (child.exitCode !== null) throw new Error(`an instance must start: code=${child.exitCode}`);
      if (performance.now() - beganAtMs > TIMEOUT_MS)
        throw new Error(`an instance must start: timeoutMs=${TIMEOUT_MS}`);
      await sleep(POLL_INTERVAL_MS);
    }
    const healthMs = performance.now() - beganAtMs;
    const { ms: replayMs, payments } = await replayed;
    return { healthMs, replayMs, payments, maxRssMb: readRssPeakBytes(child.pid!) / MEBIBYTE };
  } finally {
    const gone = once(child, "close");
    child.kill("SIGKILL");
    await gone;
  }
}

async function firstLine(child: ChildProcess, message: string): Promise<{ ms: number; payments: number }> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const entry = JSON.parse(line) as { msg: string; ms: number; payments: number };
    if (entry.msg === message) return entry;
  }
  throw new Error(`an instance must say it in its log: msg=${message}`);
}
