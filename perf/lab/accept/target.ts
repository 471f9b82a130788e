import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import { FLOOR_MAIN } from "../floor/floor-main.ts";

const START_TIMEOUT_MS = 10_000;
/** USER_HZ. */
const TICK_MS = 10;
/** Nobody listens on TCP port 1: the processors are down, so that accepting is all there is to do. */
const NOBODY_URL = "http://127.0.0.1:1";

export const TARGET_NAMES = ["floor", "none", "write", "fsync"] as const;
export type TargetName = (typeof TARGET_NAMES)[number];

/** A server under load: the floor, or an instance with one of the durability levels. */
export class Target {
  readonly name: TargetName;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #dataDir: string;

  private constructor(name: TargetName, port: number, child: ChildProcess, dataDir: string) {
    this.name = name;
    this.port = port;
    this.#child = child;
    this.#dataDir = dataDir;
  }

  static async start(name: TargetName, port: number): Promise<Target> {
    const dataDir = mkdtempSync(join(tmpdir(), "rinha-accept-"));
    const args = name === "floor" ? [FLOOR_MAIN] : [INSTANCE_MAIN];
    const env = {
      ...process.env,
      LISTEN: `tcp:127.0.0.1:${port}`,
      DATA_DIR: dataDir,
      DURABILITY: name,
      DEFAULT_PROCESSOR_URL: NOBODY_URL,
      FALLBACK_PROCESSOR_URL: NOBODY_URL,
      LOG_LEVEL: "silent",
      CAPACITY: String(2 ** 24),
    };
    const child = spawn(process.execPath, [...INSTANCE_NODE_FLAGS, ...args], {
      env,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const target = new Target(name, port, child, dataDir);
    await target.#answers();
    return target;
  }

  /** CPU time used so far, user and system. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
    rmSync(this.#dataDir, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    const endMs = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < endMs) {
      const isUp = await fetch(`http://127.0.0.1:${this.port}/health`).then(
        (response) => response.ok,
        () => false,
      );
      if (isUp) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.stop();
    throw new Error(`the target must answer in time: target=${this.name} timeoutMs=${START_TIMEOUT_MS}`);
  }
}
