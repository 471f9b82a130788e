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

type Stat = {
  readonly parent: string;
  readonly processGroup: number;
  readonly cpuSeconds: number;
  readonly systemSeconds: number;
  /** Likewise, of its descendants that have died and were waited for. */
  readonly reapedCpuSeconds: number;
  readonly reapedSystemSeconds: number;
};

/** `undefined` where there is no /proc, or nobody in the group. What has died is not counted. */
export function readUsage(processGroup: number): ProcessUsage | undefined {
  return usageOf(membersOf(processGroup), false);
}

/**
 * Of a process and all its descendants; CPU time also of those that have died, once their parents have waited for them.
 * `undefined` where it is not there.
 */
export function readUsageOfTree(pid: number): ProcessUsage | undefined {
  const children = new Map<string, string[]>();
  for (const [id, { parent }] of readAllStats()) children.set(parent, [...(children.get(parent) ?? []), id]);
  const members = [`${pid}`];
  for (let i = 0; i < members.length; i++) members.push(...(children.get(members[i]!) ?? []));
  return usageOf(members, true);
}

/** Everybody in the group, now. Reads all of /proc: not for a loop. */
export function membersOf(processGroup: number): string[] {
  return [...readAllStats()].filter(([, stat]) => stat.processGroup === processGroup).map(([pid]) => pid);
}

function usageOf(pids: readonly string[], isWithReaped: boolean): ProcessUsage | undefined {
  const usages = pids.flatMap((pid) => {
    try {
      const { cpuSeconds, systemSeconds, reapedCpuSeconds, reapedSystemSeconds } = readStat(pid);
      return [
        {
          cpuSeconds: cpuSeconds + (isWithReaped ? reapedCpuSeconds : 0),
          systemSeconds: systemSeconds + (isWithReaped ? reapedSystemSeconds : 0),
          rssPeakBytes: readRssPeakBytes(pid),
        },
      ];
    } catch {
      // It ended between the two looks.
      return [];
    }
  });
  if (usages.length === 0) return undefined;
  return usages.reduce((sum, usage) => ({
    cpuSeconds: sum.cpuSeconds + usage.cpuSeconds,
    systemSeconds: sum.systemSeconds + usage.systemSeconds,
    rssPeakBytes: sum.rssPeakBytes + usage.rssPeakBytes,
  }));
}

/** CPU time of these processes together, quickly; `undefined` if one is gone. */
export function readCpuSeconds(pids: readonly string[]): number | undefined {
  try {
    return pids.reduce((sum, pid) => sum + readStat(pid).cpuSeconds, 0);
  } catch {
    return undefined;
  }
}

function readAllStats(): Map<string, Stat> {
  const stats = new Map<string, Stat>();
  for (const pid of processIds()) {
    try {
      stats.set(pid, readStat(pid));
    } catch {
      // It has just ended.
    }
  }
  return stats;
}

function processIds(): string[] {
  try {
    return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

function readStat(pid: string): Stat {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before the last parenthesis may contain anything. Behind it: state, parent, group; utime and stime are
  // 12th and 13th, followed by those of the children that were waited for.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [userTicks = 0, systemTicks = 0, reapedUserTicks = 0, reapedSystemTicks = 0] = fields.slice(11, 15).map(Number);
  return {
    parent: fields[1]!,
    processGroup: Number(fields[2]),
    cpuSeconds: (userTicks + systemTicks) / TICKS_PER_SECOND,
    systemSeconds: systemTicks / TICKS_PER_SECOND,
    reapedCpuSeconds: (reapedUserTicks + reapedSystemTicks) / TICKS_PER_SECOND,
    reapedSystemSeconds: reapedSystemTicks / TICKS_PER_SECOND,
  };
}

/** Resident memory at its highest. Throws if the process is gone. */
export function readRssPeakBytes(pid: string | number): number {
  return readStatusBytes(pid, "VmHWM");
}

/** Resident memory now. Throws if the process is gone. */
export function readRssBytes(pid: string | number): number {
  return readStatusBytes(pid, "VmRSS");
}

function readStatusBytes(pid: string | number, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes ?? 0) * 1024;
}
