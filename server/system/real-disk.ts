import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import { open, rename, unlink } from "node:fs/promises";
import { DirectoryLock } from "./directory-lock.ts";
import type { Disk, DiskFile, DiskLock } from "./disk.ts";

/** Who may look into it: the owner, and his group. Nobody else is to read payments. */
const DIRECTORY_MODE = 0o750;
const FILE_MODE = 0o640;

/**
 * A link in place of a file could lead anywhere, and a write through it would damage what is there; and a pipe would
 * hold up the process. Directories may be links: an operator puts them where there is room.
 */
const PLAIN_ONLY = constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** What the kernel says of a link, and of a socket or a device that is not there. */
const NOT_PLAIN = new Set(["ELOOP", "ENXIO", "ENODEV"]);

/** The file systems of this machine. Writes go to the page cache: they survive the process, not the machine. */
export class RealDisk implements Disk {
  open(path: string, mode: "read" | "write"): DiskFile {
    return openPlain(path, mode === "read" ? constants.O_RDONLY : constants.O_RDWR);
  }

  create(path: string): DiskFile {
    return new RealFile(openSync(path, "wx+", FILE_MODE));
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  list(directory: string): string[] {
    return readdirSync(directory);
  }

  makeDirectory(path: string): void {
    mkdirSync(path, DIRECTORY_MODE);
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  renameLater(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  remove(path: string): void {
    unlinkSync(path);
  }

  removeLater(path: string): Promise<void> {
    return unlink(path);
  }

  syncDirectory(path: string): void {
    const descriptor = openSync(path, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  async syncDirectoryLater(path: string): Promise<void> {
    const handle = await open(path, "r");
    await handle.sync().finally(() => handle.close());
  }

  lock(directory: string): Promise<DiskLock> {
    return DirectoryLock.take(directory);
  }
}

function openPlain(path: string, access: number): RealFile {
  const rule = "a journal's file must be a plain file, neither a link nor a device: put it back, or restore a copy";
  let descriptor: number;
  try {
    descriptor = openSync(path, access | PLAIN_ONLY);
  } catch (error) {
    if (!NOT_PLAIN.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    throw new Error(`${rule}: file=${path}`, { cause: error });
  }
  if (fstatSync(descriptor).isFile()) return new RealFile(descriptor);
  closeSync(descriptor);
  throw new Error(`${rule}: file=${path}`);
}

class RealFile implements DiskFile {
  readonly #descriptor: number;
  /** Closing the descriptor before a sync has begun would make that fail, or sync another file. */
  #busyCount = 0;
  #isClosed = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  get bytes(): number {
    return fstatSync(this.#descriptor).size;
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    return readSync(this.#descriptor, into, offset, length, position);
  }

  write(from: Uint8Array, offset: number, length: number, position: number): number {
    return writeSync(this.#descriptor, from, offset, length, position);
  }

  async writeLater(from: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < from.length; ) done += await this.#writeSome(from, done, position + done);
  }

  truncate(bytes: number): void {
    ftruncateSync(this.#descriptor, bytes);
  }

  syncData(): void {
    fdatasyncSync(this.#descriptor);
  }

  syncDataThen(onDone: (error: Error | null) => void): void {
    this.#busyCount++;
    fdatasync(this.#descriptor, (error) => {
      this.#ended();
      onDone(error);
    });
  }

  close(): void {
    this.#isClosed = true;
    if (this.#busyCount === 0) closeSync(this.#descriptor);
  }

  #writeSome(from: Uint8Array, done: number, position: number): Promise<number> {
    this.#busyCount++;
    return new Promise((resolve, reject) => {
      write(this.#descriptor, from, done, from.length - done, position, (error, written) => {
        this.#ended();
        if (error) reject(error);
        else resolve(written);
      });
    });
  }

  #ended(): void {
    this.#busyCount--;
    if (this.#isClosed && this.#busyCount === 0) closeSync(this.#descriptor);
  }
}
