import { readdirSync, readFileSync } from "node:fs";

/** Open files of a process: sockets, pipes, everything. */
export function openFileCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Memory of a process that is really there. */
export function residentMb(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) / 1024;
}

/** The kernel counts in hundredths of a second, whatever the machine. */
const TICK_MS = 10;

/** CPU time of a process so far, all threads. */
export function cpuMs(pid: number): number {
  // The name, in parentheses, may hold anything; the fields after it are numbers.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
