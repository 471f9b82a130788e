import { readdirSync, readFileSync } from "node:fs";

/** Of all processes of one process group together. */
export type ProcessUsage = {
  readonly cpuSeconds: number;
  /** The part of it spent in the kernel. */
  readonly systemSeconds: number;
  /** Sum of each one's highest; what they share is counted for each. */
  readonly rssPeakBytes: number;
};

/** USER_HZ, in which Linux counts for everybody outside the kernel. */
export const TICKS_PER_SECOND = 100;

/** `undefined` where there is no /proc, or nobody in the group. What has died is not counted. */
export function readUsage(processGroup: number): ProcessUsage | undefined {
  let cpuSeconds = 0;
  let systemSeconds = 0;
  let rssPeakBytes = 0;
  let processCount = 0;
  for (const pid of processIds()) {
    try {
      const stat = readStat(pid);
      if (stat.processGroup !== processGroup) continue;
      processCount++;
      cpuSeconds += stat.cpuSeconds;
      systemSeconds += stat.systemSeconds;
      rssPeakBytes += readRssPeakBytes(pid);
    } catch {
      // It ended between the two looks.
    }
  }
  return processCount === 0 ? undefined : { cpuSeconds, systemSeconds, rssPeakBytes };
}

/** Everybody in the group, now. Reads all of /proc: not for a loop. */
export function membersOf(processGroup: number): string[] {
  return processIds().filter((pid) => {
    try {
      return readStat(pid).processGroup === processGroup;
    } catch {
      return false;
    }
  });
}

/** CPU time of these processes together, quickly; `undefined` if one is gone. */
export function readCpuSeconds(pids: readonly string[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => sum + readStat(pid).cpuSeconds, 0);
  } catch {
    return undefined;
  }
}

function processIds(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function readStat(pid: string): { processGroup: number; cpuSeconds: number; systemSeconds: number } {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before the last parenthesis may contain anything. Behind it: state, parent, group; utime and stime are 12th and 13th.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  return {
    processGroup: Number(fields[2]),
    cpuSeconds: (userTicks + systemTicks) / TICKS_PER_SECOND,
    systemSeconds: systemTicks / TICKS_PER_SECOND,
  };
}

function readRssPeakBytes(pid: string): number {
  const kibibytes = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
