import type { Random } from "../support/random.ts";

/** What a disk writes whole. */
export const SECTOR_BYTES = 512;

/** Thrown through everything that runs in a process at the moment it is killed. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** No space left on device. */
export class DiskFull extends Error {
  override readonly name = "DiskFull";
}

/** A file's content. Names are the directory's business, as on any Unix: an open file outlives its name. */
export class VirtualFile {
  bytes = new Uint8Array(1024);
  length = 0;
  /** What survives a loss of power for certain, from the beginning of the file. */
  durableBytes = 0;

  write(source: Uint8Array, from: number, count: number, position: number): void {
    this.#reach(position + count);
    // What lies beyond a file's old end reads as zeros.
    if (position > this.length) this.bytes.fill(0, this.length, position);
    this.bytes.set(source.subarray(from, from + count), position);
    this.length = Math.max(this.length, position + count);
  }

  truncate(length: number): void {
    this.length = length;
    this.durableBytes = Math.min(this.durableBytes, length);
  }

  #reach(length: number): void {
    if (length <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}

/**
 * One directory of files on one disk. Every change is one operation, and a process can be killed in any of them: a write then
 * leaves any number of its bytes, everything else has happened or has not.
 *
 * Killing the process loses nothing that was written. A loss of power keeps of each file what was synced and any part of the
 * rest, possibly with zeros behind it, and of the changes of names a beginning: metadata is journaled in order (ext4, XFS).
 */
export class VirtualDisk {
  /** Bytes that can still be written. */
  roomBytes = Number.POSITIVE_INFINITY;
  #names = new Map<string, VirtualFile>();
  /** The names that survive a loss of power, and each state they have had since then. */
  #durableNames: ReadonlyMap<string, VirtualFile> = new Map();
  #laterNames: ReadonlyMap<string, VirtualFile>[] = [];
  #killAfterOperations = Number.POSITIVE_INFINITY;
  #killFraction = 0;

  /** Kills the process in the operation after the next `operationCount`, at this fraction of it. */
  killIn(operationCount: number, fraction: number): void {
    this.#killAfterOperations = operationCount;
    this.#killFraction = fraction;
  }

  disarm(): void {
    this.#killAfterOperations = Number.POSITIVE_INFINITY;
  }

  names(): string[] {
    return [...this.#names.keys()].sort();
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  file(name: string): VirtualFile {
    const file = this.#names.get(name);
    if (file === undefined) throw new Error(`a file that is opened is there: name=${name}`);
    return file;
  }

  /** A new, empty file in place of any other of that name. */
  create(name: string): VirtualFile {
    const file = new VirtualFile();
    this.#operate(() => {
      this.#names.set(name, file);
      this.#namesChanged();
    });
    return file;
  }

  rename(from: string, to: string): void {
    this.#operate(() => {
      this.#names.set(to, this.file(from));
      this.#names.delete(from);
      this.#namesChanged();
    });
  }

  remove(name: string): void {
    this.#operate(() => {
      this.#names.delete(name);
      this.#namesChanged();
    });
  }

  /** As write(2): writes what there is room for and returns how much that was; throws when there is none. */
  write(file: VirtualFile, bytes: Uint8Array, from: number, count: number, position: number): number {
    if (this.#isKilledNow()) {
      file.write(bytes, from, Math.min(Math.floor(this.#killFraction * (count + 1)), this.roomBytes), position);
      throw new Killed();
    }
    const written = Math.min(count, this.roomBytes);
    if (written === 0 && count > 0) throw new DiskFull();
    this.roomBytes -= written;
    file.write(bytes, from, written, position);
    return written;
  }

  truncate(file: VirtualFile, length: number): void {
    this.#operate(() => {
      this.roomBytes += file.length - length;
      file.truncate(length);
    });
  }

  /** As fdatasync(2), for what was written up to `length`; the names so far become durable with it. */
  sync(file: VirtualFile, length = file.length): void {
    this.#operate(() => {
      file.durableBytes = Math.max(file.durableBytes, Math.min(length, file.length));
      this.syncNames();
    });
  }

  syncNames(): void {
    this.#durableNames = new Map(this.#names);
    this.#laterNames = [];
  }

  losePower(random: Random): void {
    const choice = random.below(this.#laterNames.length + 1);
    this.#names = new Map(choice === 0 ? this.#durableNames : this.#laterNames[choice - 1]!);
    for (const file of new Set(this.#names.values())) {
      const length = file.length;
      const kept = random.chance(0.5) ? file.durableBytes : random.between(file.durableBytes, length);
      if (random.chance(0.5)) file.truncate(kept);
      else this.#zeroFrom(file, kept);
      file.durableBytes = file.length;
    }
    this.syncNames();
  }

  /** A copy that shares nothing, for a look at what a restart would find. */
  copy(): VirtualDisk {
    const copy = new VirtualDisk();
    for (const [name, file] of this.#names) {
      const twin = copy.create(name);
      twin.write(file.bytes, 0, file.length, 0);
    }
    return copy;
  }

  /** The file's length reached the disk and its sectors from about this byte on did not. */
  #zeroFrom(file: VirtualFile, byte: number): void {
    const { length } = file;
    const sectorAt = Math.ceil(byte / SECTOR_BYTES) * SECTOR_BYTES;
    const kept = sectorAt <= length ? sectorAt : file.durableBytes;
    file.truncate(kept);
    file.write(new Uint8Array(length - kept), 0, length - kept, kept);
  }

  #namesChanged(): void {
    this.#laterNames.push(new Map(this.#names));
  }

  #operate(change: () => void): void {
    const isKilled = this.#isKilledNow();
    if (!isKilled || this.#killFraction >= 0.5) change();
    if (isKilled) throw new Killed();
  }

  #isKilledNow(): boolean {
    if (this.#killAfterOperations-- > 0) return false;
    this.#killAfterOperations = Number.POSITIVE_INFINITY;
    return true;
  }
}
