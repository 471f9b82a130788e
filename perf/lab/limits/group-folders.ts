import { existsSync, mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** As Docker has it. */
export const PERIOD_US = 100_000;
const PREFIX = "rinha-lab-";
/** A group can be removed a moment after its last process is gone. */
const REMOVE_TRIES_MAX = 50;
const REMOVE_RETRY_MS = 20;

/** A group is made and removed as a folder; the kernel makes its files, and they go with it. */
export type FolderCalls = {
  make(folder: string): void;
  remove(folder: string): void;
};

export const KERNEL_CALLS: FolderCalls = {
  make: (folder) => void mkdirSync(folder, { recursive: true }),
  remove: (folder) => rmdirSync(folder),
};

/** Of a group of this process. */
export function groupName(name: string): string {
  return `${PREFIX}${process.pid}-${name}`;
}

/** The number behind `field` in a file such as cpu.stat; 0 if it has none. */
export function fieldOf(text: string, field: string): number {
  return Number(new RegExp(`^${field} (\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** The beginning of a shell script that moves the shell itself into these groups and then becomes "$0" "$@". */
export function enterScript(folders: readonly string[]): string {
  return `${folders.map((folder) => `echo $$ > ${folder}/cgroup.procs`).join(" && ")} && exec "$0" "$@"`;
}

export async function removeGroup(folder: string, { remove }: FolderCalls): Promise<void> {
  for (let tries = 1; existsSync(folder); tries++) {
    try {
      remove(folder);
    } catch (error) {
      if (tries === REMOVE_TRIES_MAX) throw error;
      await sleep(REMOVE_RETRY_MS);
    }
  }
}

/** Groups of runs that were killed: their processes are gone, so is the run. */
export function removeLeftovers(parent: string, { remove }: FolderCalls): void {
  for (const entry of readdirSync(parent)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(entry)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      remove(join(parent, entry));
    } catch {
      // EBUSY: somebody still lives in it.
    }
  }
}
