import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { acceptsTcp } from "../../launch/readiness.ts";
import { MEBIBYTE } from "../limits/limit.ts";
import { readCpuSeconds, readRssBytes } from "../limits/process-usage.ts";

const START_TIMEOUT_MS = 10_000;
const LOOK_INTERVAL_MS = 50;

/** A process of a measurement that does without a topology. */
export class Child {
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess) {
    this.#process = process;
  }

  /** Runs node with these arguments. */
  static spawn(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
    return new Child(spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] }));
  }

  /** Likewise; resolves when it listens on this TCP port of 127.0.0.1. */
  static async listening(args: readonly string[], port: number, env: NodeJS.ProcessEnv = process.env): Promise<Child> {
    const child = Child.spawn(args, env);
    const endMs = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < endMs && child.#process.exitCode === null) {
      if (await acceptsTcp("127.0.0.1", port)) return child;
      await sleep(LOOK_INTERVAL_MS);
    }
    await child.stop();
    throw new Error(`a process must listen in time: port=${port} command=${args.join(" ")}`);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** CPU time used so far, user and system, by all threads; in ticks of 10 ms. */
  cpuMs(): number {
    const cpuSeconds = readCpuSeconds([`${this.#process.pid}`]);
    if (cpuSeconds === undefined)
      throw new Error(`a process must be there: command=${this.#process.spawnargs.join(" ")}`);
    return cpuSeconds * 1000;
  }

  residentMb(): number {
    return readRssBytes(this.#process.pid!) / MEBIBYTE;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }
}
