import { readUsageOfTree } from "./process-usage.ts";
import type { ProcessReading } from "./usage-between.ts";

/**
 * What a process that is in no group of ours has taken with its descendants, in ticks of 10 ms. Whether somebody else's
 * limits hold it up is not known. Throws where it is not there.
 */
export function readingOfTree(name: string, pid: number): ProcessReading {
  const usage = readUsageOfTree(pid);
  if (usage === undefined) throw new Error(`a process must be there: name=${name} pid=${pid}`);
  const cpu = { totalMs: usage.cpuSeconds * 1000, systemMs: usage.systemSeconds * 1000 };
  return { name, cpu, throttledCount: 0, throttledMs: 0 };
}
