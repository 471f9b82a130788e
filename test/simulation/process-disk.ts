import { dirname } from "node:path";
import { DirectoryInUseError, type Disk, type DiskFile, type DiskLock } from "../../server/system/disk.ts";
import { Killed, type Process } from "./process.ts";
import { Violation } from "./violation.ts";
import type { VirtualDisk } from "./virtual-disk.ts";
import { VirtualFile } from "./virtual-file.ts";

const SYNC_MS_MAX = 6;
const STEP_MS_MAX = 3;

/** What a disk answers that is full, or failing. */
export class DiskFault extends Error {
  override readonly name = "DiskFault";
  readonly code: "ENOSPC" | "EIO";

  constructor(code: "ENOSPC" | "EIO") {
    super(code);
    this.code = code;
  }
}

/** A process is killed after so many more operations, at this fraction of that one. */
export class KillFault {
  after = Number.POSITIVE_INFINITY;
  fraction = 0;
}

/**
 * A machine's disk in the hands of one process. Every change is one operation, and the process can be killed in any of
 * them: a write then leaves any number of its bytes, everything else has happened or has not. A process that is over
 * changes nothing any more.
 */
export class ProcessDisk implements Disk {
  readonly #disk: VirtualDisk;
  readonly #process: Process;
  readonly #kill: KillFault;
  readonly #onKilled: () => void;
  readonly #onReleased: (directory: string) => void;

  /** They are called when the process is killed in an operation, and when it gives the lock on a directory back. */
  constructor(
    disk: VirtualDisk,
    process: Process,
    kill = new KillFault(),
    onKilled: () => void = () => {},
    onReleased: (directory: string) => void = () => {},
  ) {
    this.#disk = disk;
    this.#process = process;
    this.#kill = kill;
    this.#onKilled = onKilled;
    this.#onReleased = onReleased;
  }

  open(path: string): DiskFile {
    return new ProcessFile(this, this.#disk.file(path), dirname(path));
  }

  create(path: string): DiskFile {
    if (this.#disk.has(path)) throw Object.assign(new Error(`EEXIST: ${path}`), { code: "EEXIST" });
    const file = new VirtualFile();
    const directory = dirname(path);
    this.operate(directory, () => this.#disk.put(path, file));
    return new ProcessFile(this, file, directory);
  }

  exists(path: string): boolean {
    return this.#disk.has(path);
  }

  list(directory: string): string[] {
    return this.#disk.list(directory);
  }

  makeDirectory(path: string): void {
    this.operate(undefined, () => this.#disk.put(path, "directory"));
  }

  rename(from: string, to: string): void {
    this.operate(dirname(from), () => this.#disk.rename(from, to));
  }

  renameLater(from: string, to: string): Promise<void> {
    return this.later(() => this.rename(from, to));
  }

  remove(path: string): void {
    this.operate(dirname(path), () => this.#disk.remove(path));
  }

  removeLater(path: string): Promise<void> {
    return this.later(() => this.remove(path));
  }

  syncDirectory(path: string): void {
    this.operate(undefined, () => {
      if (this.#isSyncFailing()) {
        this.#disk.loseNames(path);
        throw new DiskFault("EIO");
      }
      this.#disk.syncNames(path);
    });
  }

  syncDirectoryLater(path: string): Promise<void> {
    return this.later(() => this.syncDirectory(path));
  }

  async lock(directory: string): Promise<DiskLock> {
    if (this.#process.isOver) throw new Killed();
    if (!this.#disk.lock(directory, this.#process)) throw new DirectoryInUseError(directory);
    return {
      release: async () => {
        if (this.#process.isOver) return;
        this.#onReleased(directory);
        this.#disk.unlock(directory, this.#process);
      },
    };
  }

  /** As read(2) with a short count now and then. */
  read(file: VirtualFile, into: Uint8Array, offset: number, length: number, position: number): number {
    const { random, settings } = this.#process.world;
    const { faults } = this.#disk;
    if (faults.failReadAfter-- <= 0) {
      faults.failReadAfter = Number.POSITIVE_INFINITY;
      this.#disk.failedCount++;
      throw new DiskFault("EIO");
    }
    const there = Math.max(0, Math.min(length, file.length - position));
    const read = settings.readsShort && there > 1 ? random.between(1, there) : there;
    into.set(file.bytes.subarray(position, position + read), offset);
    return read;
  }

  /** As write(2): writes what there is room for and returns how much that was; throws when there is none. */
  write(place: Place, from: Uint8Array, offset: number, length: number, position: number): number {
    const { file, directory } = place;
    const { faults } = this.#disk;
    if (this.#isKilledNow()) {
      const part = Math.min(Math.floor(this.#kill.fraction * (length + 1)), faults.roomBytes);
      file.write(from, offset, part, position);
      this.#die();
    }
    this.#expectHeld(directory);
    const written = Math.min(length, faults.roomBytes);
    if (written === 0 && length > 0) throw new DiskFault("ENOSPC");
    faults.roomBytes -= written;
    file.write(from, offset, written, position);
    return written;
  }

  truncate({ file, directory }: Place, length: number): void {
    this.operate(directory, () => {
      this.#disk.faults.roomBytes += file.length - length;
      file.truncate(length);
    });
  }

  /** Of what was written when the file had this length. */
  sync(file: VirtualFile, length: number): void {
    this.operate(undefined, () => {
      if (!this.#isSyncFailing()) return file.synced(length);
      file.syncFailed(length);
      throw new DiskFault("EIO");
    });
  }

  syncThen(file: VirtualFile, onDone: (error: Error | null) => void): void {
    const { length } = file;
    this.#process.settleLater(this.#process.world.random.below(SYNC_MS_MAX), () => {
      try {
        this.sync(file, length);
      } catch (error) {
        if (error instanceof Killed) throw error;
        return onDone(error as Error);
      }
      onDone(null);
    });
  }

  later(act: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#process.settleLater(this.#process.world.random.below(STEP_MS_MAX + 1), () => {
        try {
          act();
        } catch (error) {
          if (error instanceof Killed) throw error;
          return reject(error);
        }
        resolve();
      });
    });
  }

  /** `directory`: the one of a partition that this changes something in. */
  operate(directory: string | undefined, change: () => void): void {
    const isKilled = this.#isKilledNow();
    if (directory !== undefined) this.#expectHeld(directory);
    if (!isKilled || this.#kill.fraction >= 0.5) change();
    if (isKilled) this.#die();
  }

  #expectHeld(directory: string): void {
    const isHeld = this.#disk.isLockedBy(directory, this.#process);
    const name = () => `directory=${directory} instance=${this.#process.instance}`;
    if (!isHeld) this.#process.world.violation ??= new Violation("only its carrier changes a partition", name());
  }

  #isKilledNow(): boolean {
    if (this.#process.isOver) throw new Killed();
    if (this.#kill.after-- > 0) return false;
    this.#kill.after = Number.POSITIVE_INFINITY;
    return true;
  }

  #die(): never {
    this.#onKilled();
    throw new Killed();
  }

  #isSyncFailing(): boolean {
    const { faults } = this.#disk;
    if (faults.failSyncAfter-- > 0) return false;
    faults.failSyncAfter = Number.POSITIVE_INFINITY;
    this.#disk.failedCount++;
    return true;
  }
}

/** A file and the directory it is in. */
type Place = { file: VirtualFile; directory: string };

class ProcessFile implements DiskFile {
  readonly #disk: ProcessDisk;
  readonly #file: VirtualFile;
  readonly #place: Place;

  constructor(disk: ProcessDisk, file: VirtualFile, directory: string) {
    this.#disk = disk;
    this.#file = file;
    this.#place = { file, directory };
  }

  get bytes(): number {
    return this.#file.length;
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    return this.#disk.read(this.#file, into, offset, length, position);
  }

  write(from: Uint8Array, offset: number, length: number, position: number): number {
    return this.#disk.write(this.#place, from, offset, length, position);
  }

  writeLater(from: Uint8Array, position: number): Promise<void> {
    return this.#disk.later(() => {
      for (let done = 0; done < from.length; )
        done += this.#disk.write(this.#place, from, done, from.length - done, position + done);
    });
  }

  truncate(bytes: number): void {
    this.#disk.truncate(this.#place, bytes);
  }

  syncData(): void {
    this.#disk.sync(this.#file, this.#file.length);
  }

  syncDataThen(onDone: (error: Error | null) => void): void {
    this.#disk.syncThen(this.#file, onDone);
  }

  close(): void {}
}
