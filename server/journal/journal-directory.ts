import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { join } from "node:path";
import { CHECKPOINT, decodeHeader, HEADER_BYTES, SEGMENT } from "../../core/journal-header.ts";
import type { JournalFile } from "../../core/recovery-plan.ts";

/**
 *   <directory>/segment-0000000007.journal      records, appended
 *   <directory>/checkpoint-0000000007.journal   the ledger before segment 7
 *   <directory>/checkpoint-0000000009.partial   a checkpoint being written; of no use after a restart
 *   <directory>/lock-<uuid>.sock                see DirectoryLock
 */
const FILE_NAME = /^(segment|checkpoint)-(\d{10})\.journal$/;
const PARTIAL = /\.partial$/;
const NUMBER_DIGITS = 10;

export class JournalDirectory {
  readonly path: string;

  /** Creates the directory if it is not there. */
  constructor(path: string) {
    mkdirSync(path, { recursive: true });
    this.path = path;
  }

  segmentPath(number: number): string {
    return join(this.path, `segment-${digits(number)}.journal`);
  }

  checkpointPath(number: number): string {
    return join(this.path, `checkpoint-${digits(number)}.journal`);
  }

  partialPath(number: number): string {
    return join(this.path, `checkpoint-${digits(number)}.partial`);
  }

  filePath(name: string): string {
    return join(this.path, name);
  }

  /** The journal's files with their headers. */
  files(): JournalFile[] {
    return readdirSync(this.path).flatMap((name) => {
      const match = FILE_NAME.exec(name);
      return match ? [this.#describe(name, match[1] === "segment" ? SEGMENT : CHECKPOINT, Number(match[2]))] : [];
    });
  }

  remove(name: string): void {
    unlinkSync(join(this.path, name));
  }

  removePartials(): void {
    for (const name of readdirSync(this.path)) if (PARTIAL.test(name)) this.remove(name);
  }

  /** Makes the journal's files durable, names and contents. */
  syncFiles(): void {
    for (const { name } of this.files()) {
      const descriptor = openSync(this.filePath(name), "r");
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
    this.sync();
  }

  /** Makes created, renamed and removed names durable. */
  sync(): void {
    const descriptor = openSync(this.path, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #describe(name: string, kind: JournalFile["kind"], number: number): JournalFile {
    const path = join(this.path, name);
    const bytes = statSync(path).size;
    const head = new Uint8Array(HEADER_BYTES);
    const descriptor = openSync(path, "r");
    const length = readSync(descriptor, head, 0, HEADER_BYTES, 0);
    closeSync(descriptor);
    // Zeros are what a power loss leaves of a file that was never written; with anything behind them they are damage.
    const isBlank = length < HEADER_BYTES || (isZero(head) && isZero(readFileSync(path)));
    const decoded = isBlank ? "blank" : decodeHeader(head);
    const header = typeof decoded === "string" && decoded !== "blank" ? { problem: decoded } : decoded;
    return { name, kind, number, bytes, header: header as JournalFile["header"] };
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function digits(number: number): string {
  return String(number).padStart(NUMBER_DIGITS, "0");
}
