import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";

/**
 * Reads "+ pid" and "- pid" lines. The end of its input means that whoever started the children is gone, `kill -9`
 * included: then it ends what is still on its list, at first politely, and removes the run directory ($1).
 */
const SCRIPT = `
pids=""
while read -r op pid; do
  kept=""
  for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done
  pids="$kept"
  [ "$op" = "+" ] && pids="$pids $pid"
done
signal() { for p in $pids; do kill -s "$1" -- "-$p" 2>/dev/null; done; }
alive() { for p in $pids; do kill -s 0 -- "-$p" 2>/dev/null && return 0; done; return 1; }
signal TERM; signal CONT
tries=0
while alive && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
signal KILL
rm -rf -- "$1"
`;

/** Outlives this process by as much as it takes to clean up after it. One small shell, no Node.js. */
export class OrphanGuard {
  readonly #shell: ChildProcess;
  readonly #input: Writable;

  constructor(runDir: string) {
    // Its own process group: Ctrl-C must not end the guard before its work.
    this.#shell = spawn("/bin/sh", ["-c", SCRIPT, "rinha-guard", runDir], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
      cwd: "/",
    });
    this.#input = this.#shell.stdin!;
    // Without a guard everything still works but the cleaning up after a kill -9.
    this.#shell.on("error", () => {});
    this.#input.on("error", () => {});
  }

  add(processGroup: number): void {
    this.#input.write(`+ ${processGroup}\n`);
  }

  remove(processGroup: number): void {
    this.#input.write(`- ${processGroup}\n`);
  }

  async close(): Promise<void> {
    const isRunning = this.#shell.pid !== undefined && this.#shell.exitCode === null && this.#shell.signalCode === null;
    const gone = isRunning ? once(this.#shell, "exit") : null;
    this.#input.end();
    await gone;
  }
}
