import {
  CHECKPOINT,
  decodeHeader,
  endsInHeader,
  HEADER_BYTES,
  type JournalHeader,
  SEGMENT,
} from "../../core/journal-header.ts";
import type { Ledger } from "../../core/ledger.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/record.ts";
import { type Expected, type JournalFile, planRecovery } from "../../core/recovery-plan.ts";
import { Replay } from "../../core/replay.ts";
import { SECTOR_BYTES, type VirtualDisk } from "./virtual-disk.ts";

/** Small, so that files span several chunks. */
const CHUNK_RECORDS = 61;
const FILE_NAME = /^(segment|checkpoint)-(\d{10})$/;

export type Recovered = {
  nextNumber: number;
  lsn: number;
  epoch: number;
  latestMs: number;
  torn: { name: string; soundBytes: number } | undefined;
  obsolete: readonly JournalFile[];
  /** Segments there are, after the tidying. */
  finished: { bytes: number; count: number };
};

/** The directory is refused. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** What server/journal/recover.ts and storage.ts do, step by step, on a virtual disk. */
export class VirtualRecovery {
  readonly #disk: VirtualDisk;
  readonly #batch = new RecordBatch(CHUNK_RECORDS);

  constructor(disk: VirtualDisk) {
    this.#disk = disk;
  }

  /** Fills an empty ledger; changes no file. */
  recover(ledger: Ledger, expected: Expected): Recovered {
    const plan = planRecovery(this.#files(), expected);
    if (typeof plan === "string") throw new Refusal(plan);
    const replay = new Replay(ledger);
    ledger.beginReplay();
    if (plan.checkpoint) this.#replayCheckpoint(plan.checkpoint, replay);
    let tornBytes = 0;
    for (const segment of plan.segments) {
      const { firstLsn } = segment.header as JournalHeader;
      replay.startSegment(segment.header as JournalHeader);
      if (firstLsn !== replay.lsn)
        throw new Refusal(`segments follow each other: firstLsn=${firstLsn} expected=${replay.lsn}`);
      tornBytes = this.#replaySegment(segment, replay);
      if (tornBytes > 0 && segment !== plan.segments.at(-1))
        throw new Refusal(`only the newest segment may end early: file=${segment.name}`);
    }
    if (replay.lsn < replay.checkpointLsn)
      throw new Refusal(`the log must reach what the checkpoint knows: lsn=${replay.lsn}`);
    ledger.finishReplay();
    const last = plan.segments.at(-1);
    const torn = last && tornBytes > 0 ? { name: last.name, soundBytes: last.bytes - tornBytes } : undefined;
    const kept = plan.checkpoint ? [plan.checkpoint, ...plan.segments] : plan.segments;
    const bytes = kept.reduce((sum, file) => sum + file.bytes, 0);
    const finished = { bytes, count: kept.length };
    const { nextNumber, obsolete, epoch } = plan;
    return { nextNumber, lsn: replay.lsn, epoch, latestMs: replay.latestMs, torn, obsolete, finished };
  }

  /** Cuts off the torn end and removes what is obsolete. */
  tidy(recovered: Recovered): void {
    const { torn } = recovered;
    if (torn) this.#disk.truncate(this.#disk.file(torn.name), torn.soundBytes);
    for (const { name } of recovered.obsolete) this.#disk.remove(name);
    for (const name of this.#disk.names()) if (name.endsWith(".partial")) this.#disk.remove(name);
  }

  /**
   * What is replayed must not be lost to a later loss of power: the life that wrote it may have been killed before it could sync.
   */
  syncReplayed(): void {
    for (const name of this.#disk.names()) this.#disk.sync(this.#disk.file(name));
  }

  /** Whole records of a file. */
  recordCount(file: JournalFile): number {
    return Math.floor((file.bytes - HEADER_BYTES) / RECORD_BYTES);
  }

  /**
   * Whether the record that stands at this byte of its file has nothing but zeros from the beginning of a sector on: then the sector
   * before it reached the disk and this one did not.
   */
  isTorn(record: number, atByte: number): boolean {
    const untilSector = SECTOR_BYTES - (atByte % SECTOR_BYTES);
    if (untilSector >= RECORD_BYTES) return false;
    const start = record * RECORD_BYTES;
    return this.#batch.bytes.subarray(start + untilSector, start + RECORD_BYTES).every((byte) => byte === 0);
  }

  #files(): JournalFile[] {
    return this.#disk.names().flatMap((name) => {
      const match = FILE_NAME.exec(name);
      return match ? [this.#describe(name, match[1] === "segment" ? SEGMENT : CHECKPOINT, Number(match[2]))] : [];
    });
  }

  #describe(name: string, kind: JournalFile["kind"], number: number): JournalFile {
    const file = this.#disk.file(name);
    const head = file.bytes.subarray(0, Math.min(HEADER_BYTES, file.length));
    const isBlank = endsInHeader(head) || file.bytes.subarray(0, file.length).every((byte) => byte === 0);
    const decoded = isBlank ? undefined : decodeHeader(head);
    const header = decoded === undefined ? "blank" : typeof decoded === "string" ? { problem: decoded } : decoded;
    return { name, kind, number, bytes: file.length, header };
  }

  #replayCheckpoint(file: JournalFile, replay: Replay): void {
    let first = 0;
    this.#readRecords(file, () => {
      const problem = replay.feedCheckpoint(this.#batch, first);
      if (problem !== undefined) throw new Refusal(`${problem} file=${file.name}`);
      first += this.#batch.count;
    });
    if (!replay.isCheckpointWhole) throw new Refusal(`a checkpoint must be whole: file=${file.name}`);
  }

  /** Returns how many bytes at the end were never whole. */
  #replaySegment(file: JournalFile, replay: Replay): number {
    const batch = this.#batch;
    let soundBytes = HEADER_BYTES;
    let isOver = false;
    this.#readRecords(file, (done) => {
      let unsound = 0;
      if (!isOver) {
        const { soundCount, problem } = replay.feedSegment(batch);
        const where = `file=${file.name} record=${(soundBytes - HEADER_BYTES) / RECORD_BYTES + soundCount}`;
        if (problem !== undefined) throw new Refusal(`${problem} ${where}`);
        soundBytes += soundCount * RECORD_BYTES;
        isOver = soundCount < batch.count;
        unsound = soundCount;
      }
      for (let record = unsound; record < batch.count; record++) {
        const isFirst = soundBytes === HEADER_BYTES + (done + record) * RECORD_BYTES;
        if (batch.isZero(record) || (isFirst && this.isTorn(record, soundBytes))) continue;
        throw new Refusal(`a record is damaged: file=${file.name} record=${done + record}`);
      }
    });
    return file.bytes - soundBytes;
  }

  #readRecords(file: JournalFile, onBatch: (done: number) => void): void {
    const { bytes } = this.#disk.file(file.name);
    const total = this.recordCount(file);
    for (let done = 0; done < total; done += this.#batch.count) {
      const count = Math.min(this.#batch.capacity, total - done);
      const start = HEADER_BYTES + done * RECORD_BYTES;
      this.#batch.bytes.set(bytes.subarray(start, start + count * RECORD_BYTES));
      this.#batch.refill(count);
      onBatch(done);
    }
  }
}
