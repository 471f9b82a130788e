import {
  closeSync,
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

/** The file systems of this machine. Writes go to the page cache: they survive the process, not the machine. */
export class RealDisk implements Disk {
  open(path: string, mode: "read" | "write"): DiskFile {
    return new RealFile(openSync(path, mode === "read" ? "r" : "r+"));
  }

  create(path: string): DiskFile {
    return new RealFile(openSync(path, "wx+"));
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  list(directory: string): string[] {
    return readdirSync(directory);
  }

  makeDirectory(path: string): void {
    mkdirSync(path);
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
