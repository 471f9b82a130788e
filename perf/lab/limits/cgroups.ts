import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Limit, MEBIBYTE } from "./limit.ts";
import type { GroupUsage, ProcessGroups } from "./process-groups.ts";

/** What differs between the versions of cgroups. A group is a folder in each of `parents`. */
export type CgroupVersion = {
  readonly means: string;
  readonly parents: readonly string[];
  /** `folders` are the group's, in the order of `parents`. */
  writeLimit(folders: readonly string[], limit: Limit): void;
  readUsage(folders: readonly string[]): GroupUsage;
};

/** A group is made and removed as a folder; the kernel makes its files, and they go with it. */
export type FolderCalls = {
  make(folder: string): void;
  remove(folder: string): void;
};

export const KERNEL_CALLS: FolderCalls = {
  make: (folder) => void mkdirSync(folder, { recursive: true }),
  remove: (folder) => rmdirSync(folder),
};

/** As Docker has it. */
export const PERIOD_US = 100_000;
const PREFIX = "rinha-lab-";
const PROBE = "probe";
export const PROBE_LIMIT: Limit = { cpus: 1, memoryBytes: 64 * MEBIBYTE };
/** A group can be removed a moment after its last process is gone. */
const REMOVE_TRIES_MAX = 50;
const REMOVE_RETRY_MS = 20;

/** Of a group of this process. */
export function groupName(name: string): string {
  return `${PREFIX}${process.pid}-${name}`;
}

/** The number behind `field` in a file such as cpu.stat; 0 if it has none. */
export function fieldOf(text: string, field: string): number {
  return Number(new RegExp(`^${field} (\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** Groups that we make, enter and remove ourselves. */
export class Cgroups implements ProcessGroups {
  readonly #version: CgroupVersion;
  readonly #calls: FolderCalls;
  readonly #names = new Set<string>();

  constructor(version: CgroupVersion, calls: FolderCalls) {
    this.#version = version;
    this.#calls = calls;
  }

  get means(): string {
    return this.#version.means;
  }

  /**
   * Throws where a group cannot be made, limited and entered. Groups of runs that were killed are removed on the way.
   */
  async probe(): Promise<void> {
    for (const parent of this.#version.parents) this.#removeLeftovers(parent);
    try {
      this.create(PROBE, PROBE_LIMIT);
      const [file, ...args] = this.commandInside(PROBE, PROBE_LIMIT, ["/bin/true"]);
      const { status, stderr } = spawnSync(file!, args, { encoding: "utf8" });
      if (status !== 0) throw new Error(`a group must be enterable: status=${status} ${stderr.trim()}`);
    } finally {
      await this.remove();
    }
  }

  create(name: string, limit: Limit | undefined): void {
    const folders = this.#foldersOf(name);
    this.#names.add(name);
    for (const folder of folders) this.#calls.make(folder);
    if (limit !== undefined) this.#version.writeLimit(folders, limit);
  }

  commandInside(name: string, _limit: Limit | undefined, command: readonly string[]): string[] {
    const enter = this.#foldersOf(name).map((folder) => `echo $$ > ${folder}/cgroup.procs`);
    return ["/bin/sh", "-c", `${enter.join(" && ")} && exec "$0" "$@"`, ...command];
  }

  usage(name: string): GroupUsage | undefined {
    return this.#names.has(name) ? this.#version.readUsage(this.#foldersOf(name)) : undefined;
  }

  async remove(): Promise<void> {
    for (const name of this.#names) for (const folder of this.#foldersOf(name)) await this.#removeFolder(folder);
    this.#names.clear();
  }

  async #removeFolder(folder: string): Promise<void> {
    for (let tries = 1; existsSync(folder); tries++) {
      try {
        this.#calls.remove(folder);
      } catch (error) {
        if (tries === REMOVE_TRIES_MAX) throw error;
        await sleep(REMOVE_RETRY_MS);
      }
    }
  }

  /** Their processes are gone, so is the run. */
  #removeLeftovers(parent: string): void {
    for (const entry of readdirSync(parent)) {
      const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(entry)?.[1];
      if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
      try {
        this.#calls.remove(join(parent, entry));
      } catch {
        // EBUSY: somebody still lives in it.
      }
    }
  }

  #foldersOf(name: string): string[] {
    return this.#version.parents.map((parent) => join(parent, groupName(name)));
  }
}
