import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { acceptsTcp } from "../../launch/readiness.ts";

const START_TIMEOUT_MS = 10_000;
const LOOK_INTERVAL_MS = 50;
/** USER_HZ. */
const TICK_MS = 10;

/** A process of the measurement, known by the TCP port it listens on. */
export class Child {
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(port: number, process: ChildProcess) {
    this.port = port;
    this.#process = process;
  }

  /** Runs node with these arguments; resolves when the port answers. */
  static async start(args: readonly string[], port: number, env: NodeJS.ProcessEnv = process.env): Promise<Child> {
    const child = new Child(port, spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "inherit"] }));
    const endMs = performance.now() + START_TIMEOUT_MS;
    while (performance.now() < endMs && child.#process.exitCode === null) {
      if (await acceptsTcp("127.0.0.1", port)) return child;
      await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
    }
    await child.stop();
    throw new Error(`a process must listen in time: port=${port} command=${args.join(" ")}`);
  }

  /** CPU time used so far, user and system, by all threads. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#process.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  residentMb(): number {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.#process.pid}/status`, "utf8"))?.[1];
    return Number(kilobytes) / 1024;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exited;
  }
}
