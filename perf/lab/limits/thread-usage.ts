import { readdirSync, readFileSync } from "node:fs";

/** CPU time so far in milliseconds, to the nanosecond. */
export type ThreadUsage = {
  /** Of the first thread: in Node.js the event loop. */
  readonly mainMs: number;
  /** Of all others that live: workers, and those of V8 and libuv. */
  readonly othersMs: number;
};

/**
 * What the kernel's scheduler counts for each thread. Ticks of 10 ms would do for neither short loads nor threads that
 * sleep most of the time. Throws where the kernel does not count it, or the process is gone.
 */
export function readThreadUsage(pid: number): ThreadUsage {
  let mainMs = 0;
  let othersMs = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const cpuMs = readCpuMs(`/proc/${pid}/task/${thread}/schedstat`);
    if (thread === String(pid)) mainMs = cpuMs;
    else othersMs += cpuMs;
  }
  if (mainMs === 0) throw new Error(`the kernel must count CPU time by thread (CONFIG_SCHED_INFO): pid=${pid}`);
  return { mainMs, othersMs };
}

function readCpuMs(path: string): number {
  try {
    return Number(readFileSync(path, "utf8").split(" ", 1)[0]) / 1e6;
  } catch (error) {
    // A thread that has just ended. Without the counters there is no such file of the first thread either.
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return 0;
    throw error;
  }
}
