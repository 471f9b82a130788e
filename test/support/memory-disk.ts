import { dirname } from "node:path";
import { DirectoryInUseError, type Disk, type DiskFile, type DiskLock, writeFully } from "../../server/system/disk.ts";

const PAGE_BYTES = 4096;

/** Operations that change something, or make it durable. */
export type Operation =
  | "create"
  | "makeDirectory"
  | "rename"
  | "remove"
  | "write"
  | "truncate"
  | "syncData"
  | "syncDirectory";

/** Thrown by an operation in which the process is killed. Nothing that waits for one hears of it again. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** A file's pages as the kernel has them in memory, and as they are on the platter. */
class Content {
  /** The name it has now, or had last. */
  path: string;
  cached = new Uint8Array(0);
  durable = new Uint8Array(0);
  readonly #dirty = new Set<number>();

  constructor(path: string) {
    this.path = path;
  }

  write(bytes: Uint8Array, position: number): void {
    if (position + bytes.length > this.cached.length) this.resize(position + bytes.length);
    this.cached.set(bytes, position);
    for (let page = Math.floor(position / PAGE_BYTES); page * PAGE_BYTES < position + bytes.length; page++) {
      this.#dirty.add(page);
    }
  }

  resize(length: number): void {
    const resized = new Uint8Array(length);
    resized.set(this.cached.subarray(0, length));
    this.cached = resized;
  }

  sync(): void {
    const synced = new Uint8Array(this.cached.length);
    synced.set(this.durable.subarray(0, synced.length));
    for (const page of this.#dirty) {
      const at = page * PAGE_BYTES;
      if (at < synced.length) synced.set(this.cached.subarray(at, at + PAGE_BYTES), at);
    }
    this.durable = synced;
    this.#dirty.clear();
  }

  /** What Linux does with pages that it could not write: they count as written from now on. */
  loseDirty(): void {
    this.#dirty.clear();
  }

  losePower(): void {
    this.cached = this.durable.slice();
    this.#dirty.clear();
  }
}

type Names = Map<string, Content | "directory">;

/** A change of names that no sync has made durable. */
type Change = { directory: string; isOfFile: boolean; apply: (names: Names) => void };

/**
 * A disk in memory that can fail, and lose power: of files what was synced is left then, of names that and any part of
 * the later changes. A failed sync of a file takes its pages for written, so that the next one succeeds without them;
 * one of a directory does the same with the names of files.
 */
export class MemoryDisk implements Disk {
  /** Called before each operation; what it throws is how the operation fails, and it has not happened then. */
  onOperation: (operation: Operation, path: string) => void = () => {};
  readonly #names: Names = new Map([["/", "directory"]]);
  readonly #durableNames: Names = new Map(this.#names);
  #changes: Change[] = [];
  readonly #locked = new Set<string>();
  /** By the names that locked directories had. */
  readonly #renamed = new Map<string, string>();
  /** Called when the process is killed in an operation that somebody waits for. */
  onKilled: (error: Killed) => void = () => {};

  /**
   * The machine stops and starts again. `isKept` says of each change of names that was not synced whether it is there.
   */
  losePower(isKept: () => boolean = () => false): void {
    for (const { apply } of this.#changes) if (isKept()) apply(this.#durableNames);
    this.#changes = [];
    this.#names.clear();
    for (const [path, entry] of this.#durableNames) {
      if (!isReachable(path, this.#durableNames)) continue;
      this.#names.set(path, entry);
      if (entry !== "directory") entry.losePower();
    }
    this.endProcess();
  }

  /** The process ends; what it wrote stays in memory. */
  endProcess(): void {
    this.onOperation = () => {};
    this.#locked.clear();
  }

  /** Rejects once the process is killed in an operation that somebody waits for, and would wait for ever. */
  killed(): Promise<never> {
    return new Promise((_, reject) => {
      this.onKilled = reject;
    });
  }

  open(path: string): DiskFile {
    return new MemoryFile(this, this.#content(path));
  }

  create(path: string): DiskFile {
    this.onOperation("create", path);
    if (this.#names.has(path)) throw failure("EEXIST", path);
    if (this.#names.get(dirname(path)) !== "directory") throw failure("ENOENT", path);
    const content = new Content(path);
    this.#change(path, (names) => names.set(path, content));
    return new MemoryFile(this, content);
  }

  exists(path: string): boolean {
    return this.#names.has(path);
  }

  list(directory: string): string[] {
    return [...this.#names.keys()]
      .filter((path) => path !== "/" && dirname(path) === directory)
      .map((path) => path.slice(path.lastIndexOf("/") + 1));
  }

  makeDirectory(path: string): void {
    this.onOperation("makeDirectory", path);
    this.#change(path, (names) => names.set(path, "directory"), false);
  }

  rename(from: string, to: string): void {
    this.onOperation("rename", to);
    if (this.#names.get(from) === "directory") this.#renameDirectory(from, to);
    else this.#renameFile(from, to);
  }

  renameLater(from: string, to: string): Promise<void> {
    return this.later(() => this.rename(from, to));
  }

  remove(path: string): void {
    this.onOperation("remove", path);
    this.#content(path);
    this.#change(path, (names) => names.delete(path));
  }

  removeLater(path: string): Promise<void> {
    return this.later(() => this.remove(path));
  }

  syncDirectory(path: string): void {
    try {
      this.onOperation("syncDirectory", path);
    } catch (error) {
      this.#changes = this.#changes.filter(({ directory, isOfFile }) => directory !== path || !isOfFile);
      throw error;
    }
    for (const { directory, apply } of this.#changes) if (directory === path) apply(this.#durableNames);
    this.#changes = this.#changes.filter(({ directory }) => directory !== path);
  }

  syncDirectoryLater(path: string): Promise<void> {
    return this.later(() => this.syncDirectory(path));
  }

  async lock(directory: string): Promise<DiskLock> {
    if (this.#locked.has(directory)) throw new DirectoryInUseError(directory);
    if (this.#names.get(directory) !== "directory") throw failure("ENOENT", directory);
    this.#locked.add(directory);
    return {
      release: async () => {
        // It may have another name by now.
        this.#locked.delete(this.#renamed.get(directory) ?? directory);
      },
    };
  }

  async later(act: () => void): Promise<void> {
    await undefined;
    try {
      act();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.onKilled(error);
      await new Promise(() => {});
    }
  }

  #change(path: string, apply: Change["apply"], isOfFile = true): void {
    apply(this.#names);
    this.#changes.push({ directory: dirname(path), isOfFile, apply });
  }

  #renameFile(from: string, to: string): void {
    const content = this.#content(from);
    content.path = to;
    this.#change(to, (names) => names.set(to, content).delete(from));
  }

  /** What is in it counts as durable then, if it is: nothing here changes a directory that it renames as well. */
  #renameDirectory(from: string, to: string): void {
    if (this.#names.has(to)) throw failure("ENOTEMPTY", to);
    for (const { directory, apply } of this.#changes) if (directory === from) apply(this.#durableNames);
    this.#changes = this.#changes.filter(({ directory }) => directory !== from);
    this.#change(to, (names) => moveTree(names, from, to), false);
    if (!this.#locked.delete(from)) return;
    this.#locked.add(to);
    this.#renamed.set(from, to);
  }

  #content(path: string): Content {
    const content = this.#names.get(path);
    if (content === undefined || content === "directory") throw failure("ENOENT", path);
    return content;
  }
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly #content: Content;

  constructor(disk: MemoryDisk, content: Content) {
    this.#disk = disk;
    this.#content = content;
  }

  get bytes(): number {
    return this.#content.cached.length;
  }

  /** Never more than a page at once. */
  read(into: Uint8Array, offset: number, length: number, position: number): number {
    const end = Math.min(position + Math.min(length, PAGE_BYTES), this.bytes);
    into.set(this.#content.cached.subarray(position, end), offset);
    return Math.max(0, end - position);
  }

  write(from: Uint8Array, offset: number, length: number, position: number): number {
    this.#disk.onOperation("write", this.#content.path);
    const written = Math.min(length, PAGE_BYTES);
    this.#content.write(from.subarray(offset, offset + written), position);
    return written;
  }

  writeLater(from: Uint8Array, position: number): Promise<void> {
    return this.#disk.later(() => writeFully(this, from, from.length, position));
  }

  truncate(bytes: number): void {
    this.#disk.onOperation("truncate", this.#content.path);
    this.#content.resize(bytes);
  }

  syncData(): void {
    try {
      this.#disk.onOperation("syncData", this.#content.path);
    } catch (error) {
      this.#content.loseDirty();
      throw error;
    }
    this.#content.sync();
  }

  syncDataThen(onDone: (error: Error | null) => void): void {
    this.#disk.later(() => this.syncData()).then(() => onDone(null), onDone);
  }

  close(): void {}
}

/** Gives a directory another name, and so everything in it. */
function moveTree(names: Names, from: string, to: string): void {
  for (const [path, entry] of [...names]) {
    if (path !== from && !path.startsWith(`${from}/`)) continue;
    names.delete(path);
    names.set(`${to}${path.slice(from.length)}`, entry);
  }
}

function isReachable(path: string, names: Names): boolean {
  return path === "/" || (names.has(dirname(path)) && isReachable(dirname(path), names));
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
