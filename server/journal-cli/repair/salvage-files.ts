import { closeSync, openSync } from "node:fs";
import { CHECKPOINT, HEADER_BYTES_OF_VERSIONS, SEGMENT } from "../../../core/log/journal-header.ts";
import { ProcessorNumbers } from "../../../core/log/processor-numbers.ts";
import { RECORD_BYTES } from "../../../core/log/record.ts";
import type { Expected, JournalFile } from "../../../core/log/recovery-plan.ts";
import type { Salvage } from "../../../core/salvage/salvage.ts";
import type { JournalDirectory } from "../../journal/journal-directory.ts";
import { CheckpointRows, isWholeCheckpoint } from "./checkpoint-rows.ts";
import { ownHeader, processorsOf } from "./file-processors.ts";
import { type Place, SoundRecords } from "./sound-records.ts";

/** What is wrong with a file. */
export type Damage = { file: string; what: string };

/**
 * Reads all that is sound of a damaged journal into a salvage, and returns what is not. `told`: names of the processors
 * for files that cannot tell. Throws when a file is of another partition, or holds what this version does not know.
 */
export function salvageFiles(
  directory: JournalDirectory,
  expected: Expected,
  told: readonly string[],
  salvage: Salvage,
): Damage[] {
  return new FileSalvage(directory, expected, told, salvage).run();
}

class FileSalvage {
  readonly #directory: JournalDirectory;
  readonly #salvage: Salvage;
  readonly #files: readonly JournalFile[];
  readonly #damages: Damage[] = [];
  readonly #processors: ProcessorNumbers;
  readonly #told: readonly string[];
  /** Number of the next record, as far as the segments so far say. */
  #nextLsn: number | undefined;

  constructor(directory: JournalDirectory, expected: Expected, told: readonly string[], salvage: Salvage) {
    this.#directory = directory;
    this.#salvage = salvage;
    this.#told = told;
    this.#processors = new ProcessorNumbers(expected.processors);
    this.#files = directory.files().sort((a, b) => a.number - b.number);
    for (const file of this.#files) expectOwn(file, expected);
  }

  run(): Damage[] {
    const segments = this.#files.filter(({ kind }) => kind === SEGMENT);
    expectOneCarrier(segments);
    const checkpoint = this.#chooseCheckpoint(segments);
    if (checkpoint) this.#readCheckpoint(checkpoint);
    const firstNumber = checkpoint?.number ?? 1;
    const from = segments.filter(({ number }) => number >= firstNumber);
    if (firstNumber === 1) this.#nextLsn = 0;
    // Where the beginning is missing, the first payment that is found says where the rest begins.
    if (checkpoint || from[0]?.number === 1) this.#salvage.closeCheckpoint();
    this.#readSegments(from, firstNumber);
    this.#salvage.end();
    return this.#damages;
  }

  /** The newest that is whole; or none, where the segments go back to the first; or else the newest. */
  #chooseCheckpoint(segments: readonly JournalFile[]): JournalFile | undefined {
    const checkpoints = this.#files.filter(({ kind }) => kind === CHECKPOINT).reverse();
    const newest = checkpoints[0];
    if (newest === undefined) return undefined;
    const reach = (number: number): boolean =>
      Array.from({ length: newest.number - number }, (_, i) => number + i).every((wanted) =>
        segments.some((segment) => segment.number === wanted),
      );
    const whole = checkpoints.find((file) => reach(file.number) && isWholeCheckpoint(this.#directory, file));
    if (whole === undefined && reach(1)) this.#note(newest.name, "it is damaged: read from the first segment instead");
    return whole ?? (reach(1) ? undefined : newest);
  }

  #readCheckpoint(file: JournalFile): void {
    if (problemOf(file) !== undefined) this.#note(file.name, problemOf(file)!);
    const rows = new CheckpointRows(this.#salvage, (record, what) => this.#note(file.name, `${what} record=${record}`));
    rows.read(this.#directory.filePath(file.name), file, this.#numbersIn(file));
    this.#salvage.bound(ownHeader(file)?.boundMs ?? 0);
  }

  #readSegments(segments: readonly JournalFile[], firstNumber: number): void {
    let number = firstNumber;
    for (const [i, segment] of segments.entries()) {
      if (segment.number > number) {
        const last = segment.number - 1;
        this.#note("", `segments are missing: from=${number} to=${last}`);
        this.#salvage.gap();
        this.#nextLsn = undefined;
      }
      this.#readSegment(segment, segments[i + 1]);
      number = segment.number + 1;
    }
    if (segments.length === 0) {
      this.#note("", `segments are missing: from=${firstNumber}`);
      this.#salvage.gap();
    }
  }

  #readSegment(segment: JournalFile, next: JournalFile | undefined): void {
    const problem = problemOf(segment);
    const isLast = next === undefined;
    if (segment.header === "blank" && isLast) return;
    const descriptor = openSync(this.#directory.filePath(segment.name), "r");
    try {
      const records = new SoundRecords(descriptor, this.#numbersIn(segment));
      const header = ownHeader(segment);
      const start = header
        ? { offset: header.headerBytes, lsn: header.firstLsn }
        : this.#startOf(records, segment, next);
      if (problem !== undefined) this.#note(segment.name, problem);
      if (start === undefined) {
        this.#note(segment.name, "none of its records is sound at the number it may have");
        this.#salvage.gap();
        this.#nextLsn = undefined;
        return;
      }
      if (this.#nextLsn !== undefined && start.lsn !== this.#nextLsn)
        this.#gap(segment, "records are missing", start.lsn);
      this.#salvage.bound(header?.boundMs ?? 0);
      this.#readRecords(records, segment, start, isLast);
    } finally {
      closeSync(descriptor);
    }
  }

  #readRecords(records: SoundRecords, segment: JournalFile, start: Place, isLast: boolean): void {
    const end = records.read(
      start,
      (batch, record, lsn) => this.#salvage.take(batch, record, lsn),
      (from, to) => this.#damaged(segment, from, to),
    );
    this.#nextLsn = end.lsn;
    const restBytes = segment.bytes - end.offset;
    // Part of a record at the very end was being written when the process ended.
    if (restBytes === 0 || (isLast && restBytes < RECORD_BYTES)) return;
    this.#gap(segment, `no sound record follows: offset=${end.offset} bytes=${restBytes}`, end.lsn);
    this.#nextLsn = undefined;
  }

  #damaged(segment: JournalFile, from: Place, to: Place): void {
    const places = `offset=${from.offset} bytes=${to.offset - from.offset} fromLsn=${from.lsn} toLsn=${to.lsn}`;
    this.#note(segment.name, `records are damaged: ${places}`);
    this.#salvage.gap();
  }

  #gap(segment: JournalFile, what: string, lsn: number): void {
    this.#note(segment.name, `${what} lsn=${lsn}`);
    this.#salvage.gap();
  }

  /** Of a segment without a header, by what stands before and after it; proven by its records' checksums. */
  #startOf(records: SoundRecords, segment: JournalFile, next: JournalFile | undefined): Place | undefined {
    const nextLsn = next && ownHeader(next)?.firstLsn;
    const twin = this.#files.find((file) => file.kind === CHECKPOINT && file.number === segment.number);
    const begunLsn = twin && ownHeader(twin)?.firstLsn;
    const places = HEADER_BYTES_OF_VERSIONS.flatMap((offset) => {
      const count = Math.floor((segment.bytes - offset) / RECORD_BYTES);
      const candidates = [
        ...(this.#nextLsn === undefined ? [] : [this.#nextLsn]),
        ...(nextLsn === undefined ? [] : [nextLsn - count]),
        // A checkpoint with the same number was begun while this segment was being written.
        ...(begunLsn === undefined
          ? []
          : Array.from({ length: Math.min(begunLsn, count) + 1 }, (_, i) => begunLsn - i)),
      ];
      return candidates.map((lsn) => ({ offset, lsn }));
    });
    return places.find((place) => records.hasSoundNear(place));
  }

  #numbersIn(file: JournalFile): Uint8Array | undefined {
    const { names, isCertain } = processorsOf(file, this.#files, this.#told);
    if (!isCertain) this.#note(file.name, `its processors are taken to be ${names.join(" ")}`);
    return this.#processors.of(names);
  }

  #note(file: string, what: string): void {
    this.#damages.push({ file, what });
  }
}

function problemOf(file: JournalFile): string | undefined {
  const { header } = file;
  if (header === "blank") return "it has no header";
  if ("problem" in header) return header.problem;
  return ownHeader(file) ? undefined : "its name and header must agree";
}

function expectOwn(file: JournalFile, { partition, partitionCount }: Expected): void {
  const header = ownHeader(file);
  if (header === undefined) return;
  if (header.partition === partition && header.partitionCount === partitionCount) return;
  const found = `${header.partition + 1} of ${header.partitionCount}`;
  throw new Error(`a file of another partition: file=${file.name} partition=${found}`);
}

/** Two that wrote at once are no damage: which of their records hold, nobody can say here. */
function expectOneCarrier(segments: readonly JournalFile[]): void {
  let epoch = 0;
  for (const segment of segments) {
    const next = ownHeader(segment)?.epoch ?? epoch;
    if (next < epoch) throw new Error(`epochs never go back: file=${segment.name} epoch=${next}`);
    epoch = next;
  }
}
