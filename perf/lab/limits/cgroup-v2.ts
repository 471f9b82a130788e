import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  enterScript,
  type FolderCalls,
  fieldOf,
  groupName,
  KERNEL_CALLS,
  PERIOD_US,
  removeGroup,
  removeLeftovers,
} from "./group-folders.ts";
import { type Limit, MEBIBYTE } from "./limit.ts";
import type { GroupUsage, ProcessGroups } from "./process-groups.ts";

const PROBE_LIMIT: Limit = { cpus: 1, memoryBytes: 64 * MEBIBYTE };
const CONTROLLERS = ["cpu", "memory"];

/**
 * One group for each process, all of them below one parent. Processes may live only in leaves, so the parent is looked for from the
 * top, where nobody lives, down to our own group: the first one whose children can have limits and be entered by us.
 */
export class CgroupV2 implements ProcessGroups {
  readonly means = "cgroup v2";
  readonly #parent: string;
  readonly #calls: FolderCalls;
  readonly #names = new Set<string>();

  private constructor(parent: string, calls: FolderCalls) {
    this.#parent = parent;
    this.#calls = calls;
  }

  /**
   * `root` is where the kernel shows its cgroups, `ownPath` our own group below it, as in /proc/self/cgroup. A text: why there are no
   * such groups here.
   */
  static open(root: string, ownPath: string, calls = KERNEL_CALLS): CgroupV2 | string {
    if (!existsSync(join(root, "cgroup.controllers"))) return "no cgroup v2";
    let reason = "";
    for (const parent of pathsDownTo(root, ownPath)) {
      try {
        const groups = new CgroupV2(parent, calls);
        groups.#probe();
        return groups;
      } catch (error) {
        reason = error instanceof Error ? error.message : String(error);
      }
    }
    return `cgroups v2 must be writable: ${reason}`;
  }

  create(name: string, limit: Limit | undefined): void {
    const folder = this.#folderOf(name);
    this.#names.add(name);
    this.#calls.make(folder);
    if (limit === undefined) return;
    writeFileSync(join(folder, "cpu.max"), `${Math.round(limit.cpus * PERIOD_US)} ${PERIOD_US}`);
    writeFileSync(join(folder, "memory.max"), `${limit.memoryBytes}`);
  }

  commandInside(name: string, _limit: Limit | undefined, command: readonly string[]): string[] {
    return ["/bin/sh", "-c", enterScript([this.#folderOf(name)]), ...command];
  }

  usage(name: string): GroupUsage | undefined {
    return this.#names.has(name) ? readV2Usage(this.#folderOf(name)) : undefined;
  }

  async remove(): Promise<void> {
    for (const name of this.#names) await removeGroup(this.#folderOf(name), this.#calls);
    this.#names.clear();
  }

  #probe(): void {
    this.#enableControllers();
    removeLeftovers(this.#parent, this.#calls);
    try {
      this.create("probe", PROBE_LIMIT);
      const [file, ...args] = this.commandInside("probe", PROBE_LIMIT, ["/bin/true"]);
      const { status, stderr } = spawnSync(file!, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(`a group must be enterable: status=${status} ${stderr.trim()}`);
    } finally {
      if (existsSync(this.#folderOf("probe"))) this.#calls.remove(this.#folderOf("probe"));
      this.#names.delete("probe");
    }
  }

  /** For the children; what is on already is left alone, since a parent with processes of its own refuses every change. */
  #enableControllers(): void {
    const path = join(this.#parent, "cgroup.subtree_control");
    const missing = (): string[] => {
      const enabled = readFileSync(path, "utf8").split(/\s+/);
      return CONTROLLERS.filter((controller) => !enabled.includes(controller));
    };
    if (missing().length === 0) return;
    writeFileSync(
      path,
      missing()
        .map((controller) => `+${controller}`)
        .join(" "),
    );
    if (missing().length > 0) {
      throw new Error(`a group must control its children: missing=${missing().join(",")} group=${this.#parent}`);
    }
  }

  #folderOf(name: string): string {
    return join(this.#parent, groupName(name));
  }
}

function pathsDownTo(root: string, ownPath: string): string[] {
  const parts = ownPath.split("/").filter((part) => part !== "");
  return [root, ...parts.map((_, i) => join(root, ...parts.slice(0, i + 1)))];
}

export function readV2Usage(folder: string): GroupUsage {
  const stat = readFileSync(join(folder, "cpu.stat"), "utf8");
  const events = readIfThere(join(folder, "memory.events"));
  // Kept by Linux 5.19 and later.
  const peak = readIfThere(join(folder, "memory.peak"));
  return {
    cpu: { totalMs: fieldOf(stat, "usage_usec") / 1000, systemMs: fieldOf(stat, "system_usec") / 1000 },
    memoryPeakBytes: peak === undefined ? undefined : Number(peak),
    memoryFailCount: events === undefined ? 0 : fieldOf(events, "max"),
    throttledCount: fieldOf(stat, "nr_throttled"),
    throttledMs: fieldOf(stat, "throttled_usec") / 1000,
  };
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
