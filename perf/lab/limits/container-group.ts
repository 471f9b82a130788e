import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { readV1Usage, v1Folders } from "./cgroup-v1.ts";
import { readV2Usage } from "./cgroup-v2.ts";
import type { GroupUsage } from "./process-groups.ts";
import { readRssPeakBytes } from "./process-usage.ts";

/** Below systemd's slices, or below a group of the engine's own. */
const DEPTH_MAX = 5;

/** The group that a Docker engine has made for a container, seen from outside. */
export class ContainerGroup {
  readonly #folders: readonly string[];
  readonly #read: (folders: readonly string[]) => GroupUsage;

  /** `root`: where the kernel shows its cgroups. `undefined`: the container's group is not to be seen here. */
  static find(root: string, containerId: string): ContainerGroup | undefined {
    const isV1 = existsSync(join(root, "cpu", "cpu.cfs_quota_us"));
    const top = isV1 ? join(root, "cpu") : root;
    const folder = findFolder(top, containerId, DEPTH_MAX);
    if (folder === undefined) return undefined;
    return isV1
      ? new ContainerGroup(v1Folders(root, relative(top, folder)), readV1Usage)
      : new ContainerGroup([folder], ([only]) => readV2Usage(only!));
  }

  private constructor(folders: readonly string[], read: (folders: readonly string[]) => GroupUsage) {
    this.#folders = folders;
    this.#read = read;
  }

  /** `undefined` while the container does not run. */
  usage(): GroupUsage | undefined {
    return this.#unlessGone(() => this.#read(this.#folders));
  }

  /** Process ids as this machine has them; none while the container does not run. */
  members(): string[] {
    const procs = (): string[] =>
      readFileSync(join(this.#folders[0]!, "cgroup.procs"), "utf8")
        .split("\n")
        .filter((pid) => pid !== "");
    return this.#unlessGone(procs) ?? [];
  }

  /** Sum of each process's resident memory at its highest. */
  rssPeakBytes(): number {
    return this.members().reduce((sum, pid) => sum + (this.#unlessGone(() => readRssPeakBytes(pid)) ?? 0), 0);
  }

  #unlessGone<Value>(read: () => Value): Value | undefined {
    try {
      return read();
    } catch {
      return undefined;
    }
  }
}

function findFolder(folder: string, containerId: string, depth: number): string | undefined {
  const inside = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const found = inside.find(({ name }) => name.includes(containerId));
  if (found !== undefined) return join(folder, found.name);
  if (depth === 0) return undefined;
  for (const { name } of inside) {
    const deeper = findFolder(join(folder, name), containerId, depth - 1);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
