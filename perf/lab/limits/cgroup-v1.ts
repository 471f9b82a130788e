import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cgroups, type CgroupVersion, type FolderCalls, fieldOf, KERNEL_CALLS, PERIOD_US } from "./cgroups.ts";
import type { CpuTime, GroupUsage, ProcessGroups } from "./process-groups.ts";

/**
 * Groups in the cpu, the memory and, where there is one, the cpuacct hierarchy. `root` is where the kernel shows its
 * cgroups. A text: why there are no such groups here.
 */
export async function openCgroupV1(root: string, calls: FolderCalls = KERNEL_CALLS): Promise<ProcessGroups | string> {
  if (!existsSync(join(root, "cpu", "cpu.cfs_quota_us"))) return "no cgroup v1 with a cpu controller";
  if (!existsSync(join(root, "memory", "memory.limit_in_bytes"))) return "no cgroup v1 with a memory controller";
  try {
    const groups = new Cgroups({ means: "cgroup v1", parents: v1Folders(root, ""), ...V1_FILES }, calls);
    await groups.probe();
    return groups;
  } catch (error) {
    return `cgroups v1 must be writable: ${error instanceof Error ? error.message : error}`;
  }
}

/** Of the group at `path`, the same in every hierarchy. CPU accounting is not everywhere. */
export function v1Folders(root: string, path: string): string[] {
  const hierarchies = ["cpu", "memory", ...(existsSync(join(root, "cpuacct", "cpuacct.usage")) ? ["cpuacct"] : [])];
  return hierarchies.map((hierarchy) => join(root, hierarchy, path));
}

const V1_FILES: Pick<CgroupVersion, "writeLimit" | "readUsage"> = {
  writeLimit([cpu, memory], { cpus, memoryBytes }) {
    writeFileSync(join(cpu!, "cpu.cfs_period_us"), `${PERIOD_US}`);
    writeFileSync(join(cpu!, "cpu.cfs_quota_us"), `${Math.round(cpus * PERIOD_US)}`);
    writeFileSync(join(memory!, "memory.limit_in_bytes"), `${memoryBytes}`);
  },
  readUsage: readV1Usage,
};

export function readV1Usage([cpu, memory, account]: readonly string[]): GroupUsage {
  const stat = readFileSync(join(cpu!, "cpu.stat"), "utf8");
  return {
    cpu: account === undefined ? undefined : readV1CpuTime(account),
    memoryPeakBytes: Number(readFileSync(join(memory!, "memory.max_usage_in_bytes"), "utf8")),
    memoryFailCount: Number(readFileSync(join(memory!, "memory.failcnt"), "utf8")),
    periodCount: fieldOf(stat, "nr_periods"),
    throttledCount: fieldOf(stat, "nr_throttled"),
    throttledMs: fieldOf(stat, "throttled_time") / 1e6,
  };
}

function readV1CpuTime(account: string): CpuTime {
  const ns = (file: string): number => Number(readFileSync(join(account, file), "utf8"));
  return { totalMs: ns("cpuacct.usage") / 1e6, systemMs: ns("cpuacct.usage_sys") / 1e6 };
}
