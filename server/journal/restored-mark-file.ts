import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Mark, RestoredMark } from "../store/restored-mark.ts";
import { formatTimestamp, parseTimestamp } from "../text/timestamp.ts";

const FILE = "restored.json";

/** The mark of a journal: a file beside it. Durable once a call returns. */
export class RestoredMarkFile implements RestoredMark {
  readonly #directory: string;

  /** `directory`: the partition's. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Throws when the file is there and cannot be read: nothing may be sent on a guess. */
  read(): Mark | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    const mark = parseMark(text);
    if (mark === undefined) throw new Error(`the mark of restored data must be readable: file=${this.#path}`);
    return mark;
  }

  write({ lostFromMs, sinceMs }: Mark): void {
    const since = sinceMs === undefined ? null : formatTimestamp(sinceMs);
    const text = JSON.stringify({ lostFrom: formatTimestamp(lostFromMs), since });
    // One that a crash has left, or a link that somebody has put there, which would be written through.
    rmSync(`${this.#path}.partial`, { force: true });
    writeFileSync(`${this.#path}.partial`, `${text}\n`, { flag: "wx" });
    sync(`${this.#path}.partial`);
    renameSync(`${this.#path}.partial`, this.#path);
    sync(this.#directory);
  }

  remove(): void {
    rmSync(this.#path, { force: true });
    sync(this.#directory);
  }

  get #path(): string {
    return join(this.#directory, FILE);
  }
}

function parseMark(text: string): Mark | undefined {
  try {
    const { lostFrom, since } = JSON.parse(text) as { lostFrom: string; since: string | null };
    const from = parseTimestamp(lostFrom);
    const start = since === null ? undefined : parseTimestamp(since);
    const isReadable = from !== undefined && (since === null || start !== undefined);
    return isReadable ? { lostFromMs: from.ms, sinceMs: start?.ms } : undefined;
  } catch {
    return undefined;
  }
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
