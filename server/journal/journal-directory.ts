import { basename, dirname, join } from "node:path";
import { CHECKPOINT, decodeHeader, endsInHeader, HEADER_BYTES, SEGMENT } from "../../core/log/journal-header.ts";
import type { JournalFile } from "../../core/log/recovery-plan.ts";
import { type Disk, type DiskFile, readFully } from "../system/disk.ts";

/**
 *   <directory>/segment-0000000007.journal      records, appended
 *   <directory>/checkpoint-0000000007.journal   the ledger before segment 7
 *   <directory>/….partial                       a file that is not whole yet; of no use after a restart
 *   <directory>/lock-<uuid>.sock                see DirectoryLock
 */
const FILE_NAME = /^(segment|checkpoint)-(\d{10})\.journal$/;
const PARTIAL = /\.partial$/;
const NUMBER_DIGITS = 10;
const CHUNK_BYTES = 65_536;
/** What syncing a directory answers that we cannot have made: one of somebody else, or of a file system without. */
const NOT_OURS = new Set(["EACCES", "EPERM", "EINVAL", "ENOTSUP", "EROFS"]);

export class JournalDirectory {
  readonly disk: Disk;
  readonly path: string;

  constructor(disk: Disk, path: string) {
    this.disk = disk;
    this.path = path;
  }

  /**
   * Makes the directory, and those it is in, where they are missing; `isDurable`: their names survive a loss of power.
   */
  make(isDurable: boolean): void {
    makeWithParents(this.disk, this.path);
    // Whoever made some of them may have died before their names were durable, or did not care.
    if (isDurable) syncParents(this.disk, this.path);
  }

  segmentPath(number: number): string {
    return join(this.path, `segment-${digits(number)}.journal`);
  }

  checkpointPath(number: number): string {
    return join(this.path, `checkpoint-${digits(number)}.journal`);
  }

  /** Where a file is written before it is whole and gets its own name. */
  partialPath(path: string): string {
    return join(this.path, `${basename(path, ".journal")}.partial`);
  }

  filePath(name: string): string {
    return join(this.path, name);
  }

  /** The journal's files with their headers. Beside a carrier, which may take one away meanwhile, as far as there. */
  files(): JournalFile[] {
    return this.disk.list(this.path).flatMap((name) => {
      const match = FILE_NAME.exec(name);
      if (!match) return [];
      return this.#describe(name, match[1] === "segment" ? SEGMENT : CHECKPOINT, Number(match[2])) ?? [];
    });
  }

  /** Whether the directory is there and has a file of a journal in it. */
  get hasFiles(): boolean {
    return this.disk.exists(this.path) && this.disk.list(this.path).some((name) => FILE_NAME.test(name));
  }

  /** Undefined where there is none of that number. */
  segment(number: number): JournalFile | undefined {
    return this.#describe(basename(this.segmentPath(number)), SEGMENT, number);
  }

  remove(name: string): void {
    this.disk.remove(join(this.path, name));
  }

  removePartials(): void {
    for (const name of this.disk.list(this.path)) if (PARTIAL.test(name)) this.remove(name);
  }

  /** Makes created, renamed and removed names durable. */
  sync(): void {
    this.disk.syncDirectory(this.path);
  }

  /** The same without holding up the event loop. */
  syncLater(): Promise<void> {
    return this.disk.syncDirectoryLater(this.path);
  }

  /** Undefined when it is gone. */
  #describe(name: string, kind: JournalFile["kind"], number: number): JournalFile | undefined {
    const file = openIfThere(this.disk, this.filePath(name));
    if (!file) return undefined;
    try {
      const { bytes } = file;
      const head = new Uint8Array(Math.min(bytes, HEADER_BYTES));
      readFully(file, head, head.length, 0);
      return { name, kind, number, bytes, header: readHeader(file, head) };
    } finally {
      file.close();
    }
  }
}

function openIfThere(disk: Disk, path: string): DiskFile | undefined {
  try {
    return disk.open(path, "read");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function readHeader(file: DiskFile, head: Uint8Array): JournalFile["header"] {
  // Zeros are what a power loss leaves of a file that was never written; with anything behind them they are damage.
  if (endsInHeader(head) || (isZero(head) && isZeroThroughout(file))) return "blank";
  const header = decodeHeader(head);
  return typeof header === "string" ? { problem: header } : header;
}

function isZeroThroughout(file: DiskFile): boolean {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const { bytes } = file;
  for (let done = 0; done < bytes; done += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, bytes - done);
    readFully(file, chunk, length, done);
    if (!isZero(chunk.subarray(0, length))) return false;
  }
  return true;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function makeWithParents(disk: Disk, path: string): void {
  if (disk.exists(path)) return;
  makeWithParents(disk, dirname(path));
  try {
    disk.makeDirectory(path);
  } catch (error) {
    // Another instance may have made it meanwhile.
    if (!disk.exists(path)) throw error;
  }
}

function syncParents(disk: Disk, path: string): void {
  const parent = dirname(path);
  if (parent === path) return;
  try {
    disk.syncDirectory(parent);
  } catch (error) {
    if (!NOT_OURS.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
  syncParents(disk, parent);
}

function digits(number: number): string {
  return String(number).padStart(NUMBER_DIGITS, "0");
}
