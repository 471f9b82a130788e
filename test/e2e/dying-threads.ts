// To be imported into an instance before its own code (--import): its worker threads die when told to, by a file
// DYING_THREADS/<thread> that says how: throw, memory or exit.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isMainThread, workerData } from "node:worker_threads";

const POLL_INTERVAL_MS = 20;

function die(how: string): void {
  if (how === "exit") process.exit(3);
  if (how === "throw") throw new Error("told to die");
  const kept: number[][] = [];
  for (;;) kept.push(new Array(10_000).fill(kept.length));
}

if (!isMainThread) {
  const thread = "snapshot" in workerData ? "health_monitor" : "trace_sender";
  const order = join(process.env["DYING_THREADS"]!, thread);
  setInterval(() => {
    let how = "";
    try {
      how = readFileSync(order, "utf8");
      rmSync(order);
    } catch {
      return;
    }
    die(how);
  }, POLL_INTERVAL_MS).unref();
}
