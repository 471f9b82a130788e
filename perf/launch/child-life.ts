import { type ChildProcess, spawn } from "node:child_process";
import { LineSplitter } from "./log-tail.ts";

export type OutputStream = "stdout" | "stderr";

export type Command = {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
};

export type LifeEnd = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
};

/**
 * One process from spawn to end. It leads its own process group: a terminal's Ctrl-C reaches only us, so that we end
 * our children in order, and ending the group leaves no worker of a killed nginx behind.
 */
export class ChildLife {
  /** Undefined if the spawn failed; `closed` follows then as well. */
  readonly pid: number | undefined;
  /** Resolves when the process is gone and its last output has been read. Never rejects. */
  readonly closed: Promise<LifeEnd>;
  end: LifeEnd | null = null;
  readonly #process: ChildProcess;

  constructor({ file, args, cwd, env }: Command, onLine: (stream: OutputStream, line: string) => void) {
    this.#process = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.pid = this.#process.pid;
    // A spawn error takes the place of the exit event, and is followed by close.
    this.#process.on("error", (error) => onLine("stderr", `${error.message}: file=${file}`));
    this.#process.once("exit", () => this.#signalGroup("SIGKILL"));
    for (const stream of ["stdout", "stderr"] as const) {
      const splitter = new LineSplitter((line) => onLine(stream, line));
      this.#process[stream]?.on("data", (chunk: Buffer) => splitter.write(chunk));
      this.#process[stream]?.once("end", () => splitter.end());
    }
    this.closed = new Promise((resolve) => {
      this.#process.once("close", (code, signal) => {
        this.end = { code, signal };
        resolve(this.end);
      });
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  async stop(signal: NodeJS.Signals, timeoutMs: number): Promise<LifeEnd> {
    this.signal(signal);
    // A process that somebody suspended gets the signal only when it goes on.
    this.signal("SIGCONT");
    const timer = setTimeout(() => this.#signalGroup("SIGKILL"), timeoutMs);
    const end = await this.closed;
    clearTimeout(timer);
    return end;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // ESRCH: nobody is left in the group, which is the usual case.
    }
  }
}
