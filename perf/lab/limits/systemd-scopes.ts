import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { readV1Usage, v1Folders } from "./cgroup-v1.ts";
import { readV2Usage } from "./cgroup-v2.ts";
import { groupName, PROBE_LIMIT } from "./cgroups.ts";
import type { Limit } from "./limit.ts";
import type { GroupUsage, ProcessGroups } from "./process-groups.ts";

export type SystemdPlaces = {
  /** Where the kernel shows its cgroups; anybody may read them. */
  readonly cgroupRoot: string;
  /** There while systemd is process 1. */
  readonly runDir: string;
  /** Whether the system's systemd is asked, or the user's own, which has the groups that were delegated to it. */
  readonly isRoot: boolean;
};

/**
 * Transient scopes, for those who may not write cgroups but may ask systemd to. systemd-run makes the scope, enters
 * it and becomes the program; the scope goes when its last process has gone.
 */
export class SystemdScopes implements ProcessGroups {
  readonly means: string;
  readonly #places: SystemdPlaces;
  readonly #names = new Set<string>();
  /** Below the root, by name. */
  readonly #paths = new Map<string, string>();

  private constructor(places: SystemdPlaces) {
    this.#places = places;
    this.means = places.isRoot ? "systemd-run" : "systemd-run --user";
  }

  /** A text: why there are no such scopes here. */
  static open(places: SystemdPlaces): SystemdScopes | string {
    if (!existsSync(places.runDir)) return "no systemd";
    const scopes = new SystemdScopes(places);
    const [file, ...args] = scopes.commandInside("probe", PROBE_LIMIT, ["/bin/true"]);
    const { status, stderr } = spawnSync(file!, args, { encoding: "utf8" });
    return status === 0 ? scopes : `systemd-run must succeed: status=${status} ${stderr.trim()}`;
  }

  create(name: string): void {
    this.#names.add(name);
  }

  commandInside(name: string, limit: Limit | undefined, command: readonly string[]): string[] {
    const properties = [
      ["CPUAccounting", "yes"],
      ["MemoryAccounting", "yes"],
      ...(limit === undefined ? [] : limitProperties(limit)),
    ];
    const options = [
      ...this.#scopeOf(),
      "--scope",
      "--quiet",
      // A scope whose process was killed would stay, failed, and its name with it.
      "--collect",
      `--unit=${groupName(name)}.scope`,
      ...properties.map(([key, value]) => `-p ${key}=${value}`),
    ];
    return ["/bin/sh", "-c", `exec systemd-run ${options.join(" ")} -- "$0" "$@"`, ...command];
  }

  usage(name: string): GroupUsage | undefined {
    const path = this.#pathOf(name);
    if (path === undefined) return undefined;
    const { cgroupRoot } = this.#places;
    try {
      const isV2 = existsSync(join(cgroupRoot, "cgroup.controllers"));
      return isV2 ? readV2Usage(join(cgroupRoot, path)) : readV1Usage(v1Folders(cgroupRoot, path));
    } catch {
      // The scope went with its last process.
      return undefined;
    }
  }

  async remove(): Promise<void> {
    this.#names.clear();
    this.#paths.clear();
  }

  #pathOf(name: string): string | undefined {
    if (!this.#names.has(name)) return undefined;
    const known = this.#paths.get(name);
    if (known !== undefined) return known;
    const args = [...this.#scopeOf(), "show", "--property=ControlGroup", "--value", `${groupName(name)}.scope`];
    const path = spawnSync("systemctl", args, { encoding: "utf8" }).stdout?.trim();
    if (path === undefined || path === "") return undefined;
    this.#paths.set(name, path);
    return path;
  }

  #scopeOf(): string[] {
    return this.#places.isRoot ? [] : ["--user"];
  }
}

function limitProperties({ cpus, memoryBytes }: Limit): [string, string][] {
  return [
    ["CPUQuota", `${Math.max(1, Math.round(cpus * 100))}%`],
    ["MemoryMax", `${memoryBytes}`],
  ];
}
