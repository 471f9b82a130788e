/**
 * What the journal needs of a disk. Calls that end in `Later` do not hold up the event loop; the others have happened
 * when they return. All of them throw, or reject, with the reason when they fail. Paths are absolute or relative to the
 * process, as on any Unix: an open file outlives its name.
 */
export interface Disk {
  /** Opens a file that is there, to be read, or to be written as well. */
  open(path: string, mode: "read" | "write"): DiskFile;
  /** Creates an empty file to be written; fails when the name is taken. */
  create(path: string): DiskFile;
  exists(path: string): boolean;
  /** Names in a directory, in no order. */
  list(directory: string): string[];
  /** Makes one directory; the one it is in is there. */
  makeDirectory(path: string): void;
  /**
   * Gives a file another name in one step; what had that name is gone. A directory takes along what is in it and the
   * lock on it.
   */
  rename(from: string, to: string): void;
  renameLater(from: string, to: string): Promise<void>;
  /** Takes a file's name away; fails when there is none. */
  remove(path: string): void;
  removeLater(path: string): Promise<void>;
  /** Names created, changed and removed in the directory survive a loss of power from here on. */
  syncDirectory(path: string): void;
  syncDirectoryLater(path: string): Promise<void>;
  /**
   * Keeps the directory to one process at a time. Rejects with DirectoryInUseError, and where there can be no lock.
   */
  lock(directory: string): Promise<DiskLock>;
}

export interface DiskFile {
  readonly bytes: number;
  /** Reads up to `length` bytes from `position` into `into`; 0 at the file's end. May read less than there is. */
  read(into: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes up to `length` bytes at `position` and returns how many there was room for, at least one. */
  write(from: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes all bytes at `position`. */
  writeLater(from: Uint8Array, position: number): Promise<void>;
  truncate(bytes: number): void;
  /**
   * What was written survives a loss of power from here on. A sync that failed says nothing of a later one that does
   * not.
   */
  syncData(): void;
  /** The same for what was written before the call. */
  syncDataThen(onDone: (error: Error | null) => void): void;
  /** Lets go of the file, after the syncs under way. */
  close(): void;
}

export interface DiskLock {
  release(): Promise<void>;
}

/** Another process has the lock on a directory, or is about to have it. */
export class DirectoryInUseError extends Error {
  override readonly name = "DirectoryInUseError";

  constructor(directory: string) {
    super(`the directory is in use by another process: directory=${directory}`);
  }
}

/** Reads `length` bytes from `position`, or throws when the file ends before. */
export function readFully(file: DiskFile, into: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length; ) {
    const read = file.read(into, done, length - done, position + done);
    if (read === 0) throw new Error(`a file keeps its length while it is read: position=${position + done}`);
    done += read;
  }
}

/** Reads up to `length` bytes from `position`, less only where the file ends; returns how many. */
export function readThere(file: DiskFile, into: Uint8Array, length: number, position: number): number {
  let done = 0;
  for (let read = -1; done < length && read !== 0; done += read)
    read = file.read(into, done, length - done, position + done);
  return done;
}

/** Resolves once what was written before the call survives a loss of power. */
export function syncDataLater(file: DiskFile): Promise<void> {
  return new Promise((resolve, reject) => file.syncDataThen((error) => (error ? reject(error) : resolve())));
}

/** Writes the first `length` bytes of `from` at `position`. */
export function writeFully(file: DiskFile, from: Uint8Array, length: number, position: number): void {
  for (let done = 0; done < length; ) done += file.write(from, done, length - done, position + done);
}
