import { dirname } from "node:path";
import type { Random } from "../support/random.ts";
import type { Process } from "./process.ts";
import type { VirtualFile } from "./virtual-file.ts";

const CHECKPOINT = /\/checkpoint-\d+\.journal$/;

/** Of partitions' directories. */
const FORMER_NAME = /\/instance-/;

type Names = Map<string, VirtualFile | "directory">;

/** A change of names that no sync has made durable. */
type Change = { directory: string; isOfFile: boolean; apply: (names: Names) => void };

/** Faults that are still to come; counts are of operations until then. */
export type DiskFaults = {
  /** Bytes that can still be written. */
  roomBytes: number;
  /** A sync fails after so many more. */
  failSyncAfter: number;
  /** A read fails after so many more. */
  failReadAfter: number;
};

const NO_FAULTS: DiskFaults = {
  roomBytes: Number.POSITIVE_INFINITY,
  failSyncAfter: Number.POSITIVE_INFINITY,
  failReadAfter: Number.POSITIVE_INFINITY,
};

/**
 * The disk of a machine: it outlives the processes that use it (ProcessDisk). Killing a process loses nothing that was
 * written. A loss of power keeps of names what the last sync of their directory found and any part of the changes
 * since: POSIX has no order for them.
 */
export class VirtualDisk {
  faults: DiskFaults = { ...NO_FAULTS };
  /** Syncs and reads that have failed. */
  failedCount = 0;
  /** Checkpoints that were given their name. */
  publishedCount = 0;
  readonly #names: Names = new Map([["/", "directory"]]);
  readonly #durableNames: Names = new Map(this.#names);
  #changes: Change[] = [];
  readonly #lockedBy = new Map<string, Process>();

  heal(): void {
    this.faults = { ...NO_FAULTS };
  }

  has(path: string): boolean {
    return this.#names.has(path);
  }

  isDirectory(path: string): boolean {
    return this.#names.get(path) === "directory";
  }

  file(path: string): VirtualFile {
    const file = this.#names.get(path);
    if (file === undefined || file === "directory")
      throw Object.assign(new Error(`ENOENT: ${path}`), { code: "ENOENT" });
    return file;
  }

  list(directory: string): string[] {
    const start = `${directory}/`;
    const names: string[] = [];
    for (const path of this.#names.keys()) {
      if (path.startsWith(start) && path.indexOf("/", start.length) < 0) names.push(path.slice(start.length));
    }
    return names;
  }

  put(path: string, entry: VirtualFile | "directory"): void {
    this.#change(path, (names) => names.set(path, entry), entry !== "directory");
  }

  rename(from: string, to: string): void {
    if (this.isDirectory(from)) this.#renameDirectory(from, to);
    else this.#renameFile(from, to);
  }

  #renameFile(from: string, to: string): void {
    const file = this.file(from);
    if (CHECKPOINT.test(to)) this.publishedCount++;
    this.#change(to, (names) => {
      names.set(to, file);
      if (names.get(from) === file) names.delete(from);
    });
  }

  /** Whatever changed in it before counts as durable in it then. */
  #renameDirectory(from: string, to: string): void {
    if (this.has(to)) throw Object.assign(new Error(`ENOTEMPTY: ${to}`), { code: "ENOTEMPTY" });
    this.syncNames(from);
    this.#change(to, (names) => moveTree(names, from, to), false);
    const holder = this.#lockedBy.get(from);
    if (!holder) return;
    this.#lockedBy.delete(from);
    this.#lockedBy.set(to, holder);
  }

  remove(path: string): void {
    const file = this.file(path);
    this.#change(path, (names) => {
      if (names.get(path) === file) names.delete(path);
    });
  }

  syncNames(directory: string): void {
    const changes = this.#changes.filter((change) => change.directory === directory);
    for (const { apply } of changes) apply(this.#durableNames);
    this.#changes = this.#changes.filter((change) => change.directory !== directory);
  }

  /** A sync failed: the changes of its files' names count as written from now on, and never will be. */
  loseNames(directory: string): void {
    this.#changes = this.#changes.filter((change) => change.directory !== directory || !change.isOfFile);
  }

  losePower(random: Random): void {
    for (const { apply } of this.#changes) if (random.chance(0.5)) apply(this.#durableNames);
    this.#changes = [];
    this.#names.clear();
    for (const [path, entry] of this.#durableNames) if (this.#isReachable(path)) this.#names.set(path, entry);
    this.#durableNames.clear();
    for (const [path, entry] of this.#names) this.#durableNames.set(path, entry);
    for (const entry of new Set(this.#names.values())) if (entry !== "directory") entry.losePower(random);
  }

  /** False when a process has it that is alive. */
  lock(directory: string, process: Process): boolean {
    const holder = this.#lockedBy.get(directory);
    if (holder && !holder.isOver) return false;
    this.#lockedBy.set(directory, process);
    return true;
  }

  isLockedBy(directory: string, process: Process): boolean {
    return this.#lockedBy.get(directory) === process;
  }

  /** The process gives back what it has locked under this name, or under one that it has had since. */
  unlock(directory: string, process: Process): void {
    for (const path of [directory, directory.replace(FORMER_NAME, "/partition-")])
      if (this.#lockedBy.get(path) === process) this.#lockedBy.delete(path);
  }

  #change(path: string, apply: Change["apply"], isOfFile = true): void {
    apply(this.#names);
    this.#changes.push({ directory: dirname(path), isOfFile, apply });
  }

  #isReachable(path: string): boolean {
    return path === "/" || (this.#durableNames.has(dirname(path)) && this.#isReachable(dirname(path)));
  }
}

/** Gives a directory another name, and so everything in it. */
function moveTree(names: Names, from: string, to: string): void {
  for (const [path, entry] of [...names]) {
    if (path !== from && !path.startsWith(`${from}/`)) continue;
    names.delete(path);
    names.set(`${to}${path.slice(from.length)}`, entry);
  }
}
