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
import type { CpuTime, GroupUsage, ProcessGroups } from "./process-groups.ts";

/** Of one group, in each hierarchy one; CPU accounting is not everywhere. */
export type V1Folders = {
  readonly cpu: string;
  readonly memory: string;
  readonly account: string | undefined;
};

/** One group for each process in the cpu, the memory and, where there is one, the cpuacct hierarchy. */
export class CgroupV1 implements ProcessGroups {
  readonly means = "cgroup v1";
  readonly #root: string;
  readonly #calls: FolderCalls;
  readonly #names = new Set<string>();

  private constructor(root: string, calls: FolderCalls) {
    this.#root = root;
    this.#calls = calls;
  }

  /** `root` is where the kernel shows its cgroups. A text: why there are no such groups here. */
  static open(root: string, calls = KERNEL_CALLS): CgroupV1 | string {
    if (!existsSync(join(root, "cpu", "cpu.cfs_quota_us"))) return "no cgroup v1 with a cpu controller";
    if (!existsSync(join(root, "memory", "memory.limit_in_bytes"))) return "no cgroup v1 with a memory controller";
    try {
      const groups = new CgroupV1(root, calls);
      groups.#probe();
      return groups;
    } catch (error) {
      return `cgroups v1 must be writable: ${error instanceof Error ? error.message : error}`;
    }
  }

  create(name: string, limit: Limit | undefined): void {
    const { cpu, memory } = this.#foldersOf(name);
    this.#names.add(name);
    for (const folder of this.#listOf(name)) this.#calls.make(folder);
    if (limit === undefined) return;
    const { cpus, memoryBytes } = limit;
    writeFileSync(join(cpu, "cpu.cfs_period_us"), `${PERIOD_US}`);
    writeFileSync(join(cpu, "cpu.cfs_quota_us"), `${Math.round(cpus * PERIOD_US)}`);
    writeFileSync(join(memory, "memory.limit_in_bytes"), `${memoryBytes}`);
  }

  commandInside(name: string, _limit: Limit | undefined, command: readonly string[]): string[] {
    return ["/bin/sh", "-c", enterScript(this.#listOf(name)), ...command];
  }

  usage(name: string): GroupUsage | undefined {
    return this.#names.has(name) ? readV1Usage(this.#foldersOf(name)) : undefined;
  }

  async remove(): Promise<void> {
    for (const name of this.#names) {
      for (const folder of this.#listOf(name)) await removeGroup(folder, this.#calls);
    }
    this.#names.clear();
  }

  #probe(): void {
    for (const hierarchy of Object.values(v1Folders(this.#root, ""))) {
      if (hierarchy !== undefined) removeLeftovers(hierarchy, this.#calls);
    }
    this.create("probe", { cpus: 1, memoryBytes: MEBIBYTE });
    for (const folder of this.#listOf("probe")) this.#calls.remove(folder);
    this.#names.delete("probe");
  }

  #foldersOf(name: string): V1Folders {
    return v1Folders(this.#root, groupName(name));
  }

  #listOf(name: string): string[] {
    return Object.values(this.#foldersOf(name)).filter((folder) => folder !== undefined);
  }
}

/** Of the group at `path`, the same in every hierarchy. */
export function v1Folders(root: string, path: string): V1Folders {
  const hasAccounts = existsSync(join(root, "cpuacct", "cpuacct.usage"));
  return {
    cpu: join(root, "cpu", path),
    memory: join(root, "memory", path),
    account: hasAccounts ? join(root, "cpuacct", path) : undefined,
  };
}

export function readV1Usage({ cpu, memory, account }: V1Folders): GroupUsage {
  const stat = readFileSync(join(cpu, "cpu.stat"), "utf8");
  return {
    cpu: account === undefined ? undefined : readV1CpuTime(account),
    memoryPeakBytes: Number(readFileSync(join(memory, "memory.max_usage_in_bytes"), "utf8")),
    memoryFailCount: Number(readFileSync(join(memory, "memory.failcnt"), "utf8")),
    throttledCount: fieldOf(stat, "nr_throttled"),
    throttledMs: fieldOf(stat, "throttled_time") / 1e6,
  };
}

function readV1CpuTime(account: string): CpuTime {
  const ns = (file: string): number => Number(readFileSync(join(account, file), "utf8"));
  return { totalMs: ns("cpuacct.usage") / 1e6, systemMs: ns("cpuacct.usage_sys") / 1e6 };
}
