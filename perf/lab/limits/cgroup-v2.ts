import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Cgroups, type CgroupVersion, type FolderCalls, fieldOf, KERNEL_CALLS, PERIOD_US } from "./cgroups.ts";
import type { GroupUsage, ProcessGroups } from "./process-groups.ts";

const CONTROLLERS = ["cpu", "memory"];

/**
 * Groups below one parent. Processes may live only in leaves, so the parent is looked for from the top, where nobody
 * lives, down to our own group: the first one whose children can have limits and be entered by us. `root` is where the
 * kernel shows its cgroups, `ownPath` our own group below it, as in /proc/self/cgroup. A text: why there are no such
 * groups here.
 */
export async function openCgroupV2(
  root: string,
  ownPath: string,
  calls: FolderCalls = KERNEL_CALLS,
): Promise<ProcessGroups | string> {
  if (!existsSync(join(root, "cgroup.controllers"))) return "no cgroup v2";
  let reason = "";
  for (const parent of pathsDownTo(root, ownPath)) {
    try {
      enableControllers(parent);
      const groups = new Cgroups({ means: "cgroup v2", parents: [parent], ...V2_FILES }, calls);
      await groups.probe();
      return groups;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  return `cgroups v2 must be writable: ${reason}`;
}

function pathsDownTo(root: string, ownPath: string): string[] {
  const parts = ownPath.split("/").filter((part) => part !== "");
  return [root, ...parts.map((_, i) => join(root, ...parts.slice(0, i + 1)))];
}

/**
 * For the children. What is on already is left alone, since a parent with processes of its own refuses every change.
 */
function enableControllers(parent: string): void {
  const path = join(parent, "cgroup.subtree_control");
  const missing = (): string[] => {
    const enabled = readFileSync(path, "utf8").split(/\s+/);
    return CONTROLLERS.filter((controller) => !enabled.includes(controller));
  };
  if (missing().length === 0) return;
  const wanted = missing().map((controller) => `+${controller}`);
  writeFileSync(path, wanted.join(" "));
  if (missing().length > 0) {
    throw new Error(`a group must control its children: missing=${missing().join(",")} group=${parent}`);
  }
}

const V2_FILES: Pick<CgroupVersion, "writeLimit" | "readUsage"> = {
  writeLimit([folder], { cpus, memoryBytes }) {
    writeFileSync(join(folder!, "cpu.max"), `${Math.round(cpus * PERIOD_US)} ${PERIOD_US}`);
    writeFileSync(join(folder!, "memory.max"), `${memoryBytes}`);
  },
  readUsage: ([folder]) => readV2Usage(folder!),
};

export function readV2Usage(folder: string): GroupUsage {
  const stat = readFileSync(join(folder, "cpu.stat"), "utf8");
  const events = readIfThere(join(folder, "memory.events"));
  // Kept by Linux 5.19 and later.
  const peak = readIfThere(join(folder, "memory.peak"));
  return {
    cpu: { totalMs: fieldOf(stat, "usage_usec") / 1000, systemMs: fieldOf(stat, "system_usec") / 1000 },
    memoryPeakBytes: peak === undefined ? undefined : Number(peak),
    memoryFailCount: events === undefined ? 0 : fieldOf(events, "max"),
    periodCount: fieldOf(stat, "nr_periods"),
    throttledCount: fieldOf(stat, "nr_throttled"),
    throttledMs: fieldOf(stat, "throttled_usec") / 1000,
  };
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
