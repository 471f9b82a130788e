import type { Ledger } from "../../core/ledger/ledger.ts";
import { Replay } from "../../core/ledger/replay.ts";
import type { JournalHeader } from "../../core/log/journal-header.ts";
import { ProcessorNumbers } from "../../core/log/processor-numbers.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import { type Expected, type JournalFile, planRecovery, type RecoveryPlan } from "../../core/log/recovery-plan.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";
import { readFully } from "../system/disk.ts";
import type { JournalStart } from "./journal.ts";
import type { JournalDirectory } from "./journal-directory.ts";

/** Records read at once unless told otherwise: 768 KiB. */
const CHUNK_RECORDS = 16_384;
/** Payments put into the index at once. */
const INDEXED_PER_STEP = 65_536;
/** Payments counted at once. */
const COUNTED_PER_STEP = 1_048_576;
/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;

export type Recovered = JournalStart & {
  /** What was being written when the process ended, to be cut off. */
  torn: { name: string; fileBytes: number; soundBytes: number } | undefined;
  obsolete: readonly JournalFile[];
  /** The checkpoint, and segments of which nobody has said that they survive a loss of power, in order. */
  unsafe: readonly { name: string; soundBytes: number }[];
};

/** Thrown for a directory that must not be used as it is. */
export class RecoveryError extends Error {
  override readonly name = "RecoveryError";
}

/**
 * Fills an empty ledger from the directory. Changes no file. Throws RecoveryError where acknowledged payments are in
 * danger. The ledger has the numbers of the expected processors, whatever numbers they have in the files.
 */
export function recover(
  directory: JournalDirectory,
  ledger: Ledger,
  expected: Expected,
  chunkRecords = CHUNK_RECORDS,
): Recovered {
  const steps = recoverInSteps(directory, ledger, expected, chunkRecords);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** The same in steps of some milliseconds, for a process that has to hear signals meanwhile. */
export function* recoverInSteps(
  directory: JournalDirectory,
  ledger: Ledger,
  expected: Expected,
  chunkRecords = CHUNK_RECORDS,
): Generator<void, Recovered, void> {
  if (ledger.processorCount !== expected.processors.length)
    throw new Error(`a ledger counts for the processors there are: processorCount=${ledger.processorCount}`);
  const plan = planRecovery(directory.files(), expected);
  if (typeof plan === "string") throw refusal(directory, plan);
  const replay = new Replay(ledger);
  const batch = new RecordBatch(chunkRecords);
  const numbers = new ProcessorNumbers(expected.processors);
  ledger.beginReplay();
  if (plan.checkpoint) batch.processorNumbers = numbers.of(headerOf(plan.checkpoint).processors);
  if (plan.checkpoint) yield* replayCheckpoint(directory, plan.checkpoint, replay, batch);
  let tornBytes = 0;
  for (const segment of plan.segments) {
    const { firstLsn } = headerOf(segment);
    replay.startSegment(headerOf(segment));
    batch.processorNumbers = numbers.of(headerOf(segment).processors);
    if (firstLsn !== replay.lsn) {
      throw refusal(
        directory,
        `segments follow each other: file=${segment.name} firstLsn=${firstLsn} expected=${replay.lsn}`,
      );
    }
    tornBytes = yield* replaySegment(directory, segment, replay, batch);
    if (tornBytes > 0 && segment !== plan.segments.at(-1)) {
      throw refusal(directory, `only the newest segment may end early: file=${segment.name} bytes=${tornBytes}`);
    }
  }
  if (replay.lsn < replay.checkpointLsn) {
    throw refusal(
      directory,
      `the log must reach what the checkpoint knows: lsn=${replay.lsn} checkpointLsn=${replay.checkpointLsn}`,
    );
  }
  while (!ledger.finishReplay(INDEXED_PER_STEP)) yield;
  yield* expectConfigured(directory, ledger, numbers);
  const last = plan.segments.at(-1);
  const torn =
    last && tornBytes > 0 ? { name: last.name, fileBytes: last.bytes, soundBytes: last.bytes - tornBytes } : undefined;
  const unsafe = unsafeOf(plan).map((file) => {
    return { name: file.name, soundBytes: file === last ? file.bytes - tornBytes : file.bytes };
  });
  const { nextNumber, epoch, obsolete } = plan;
  return { nextNumber, lsn: replay.lsn, epoch, latestMs: replay.latestMs, torn, obsolete, unsafe };
}

/**
 * Carries out what `recover` found: cuts off the torn end and removes what is obsolete. Where a loss of power matters,
 * `makeDurable` comes first.
 */
export function tidy(directory: JournalDirectory, recovered: Recovered): void {
  if (recovered.torn) {
    const file = directory.disk.open(directory.filePath(recovered.torn.name), "write");
    try {
      file.truncate(recovered.torn.soundBytes);
      // The segments after this one would make damage of an end that comes back.
      file.syncData();
    } finally {
      file.close();
    }
  }
  // A checkpoint may have its name only in the page cache.
  if (recovered.obsolete.length > 0) directory.sync();
  for (const { name } of recovered.obsolete) directory.remove(name);
  directory.removePartials();
}

/**
 * A segment says of itself whether all before it was safe, so the newest that says so and all after it may not be. A
 * checkpoint is safe before it has its name, but nothing says whether that is.
 */
function unsafeOf({ checkpoint, segments }: RecoveryPlan): JournalFile[] {
  const newest = segments.findLastIndex((segment) => headerOf(segment).followsDurable);
  const unsafe = segments.slice(Math.max(newest, 0));
  return checkpoint ? [checkpoint, ...unsafe] : unsafe;
}

/** Throws where payments that are kept were sent to a processor whose name is not configured. */
function* expectConfigured(
  directory: JournalDirectory,
  ledger: Ledger,
  { names, configuredCount }: ProcessorNumbers,
): Generator<void, void, void> {
  const counts = new Float64Array(NO_PROCESSOR + 1);
  for (let sequence = ledger.tail; sequence < ledger.head; sequence++) {
    counts[ledger.rows.processor[ledger.slotOf(sequence)]!]!++;
    if (sequence % COUNTED_PER_STEP === 0) yield;
  }
  const configured = names.slice(0, configuredCount);
  const missing = names.slice(configuredCount).flatMap((name, i) => {
    const count = counts[configuredCount + i]!;
    return count > 0 ? [`${name} (${count} ${count === 1 ? "payment" : "payments"})`] : [];
  });
  if (missing.length > 0) {
    throw refusal(
      directory,
      "a processor that kept payments were sent to must be configured, by its name, until they are purged or dropped " +
        `by retention: missing=${missing.join(", ")} configured=${configured.join(", ")}`,
    );
  }
  const unnamed = counts.subarray(names.length, NO_PROCESSOR).reduce((sum, count) => sum + count, 0);
  if (unnamed > 0) throw refusal(directory, `records speak of processors that their file names: payments=${unnamed}`);
}

function headerOf(file: JournalFile): JournalHeader {
  return file.header as JournalHeader;
}

function* replayCheckpoint(
  directory: JournalDirectory,
  file: JournalFile,
  replay: Replay,
  batch: RecordBatch,
): Generator<void, void, void> {
  let first = 0;
  for (const _ of readRecords(directory, file, batch)) {
    const problem = replay.feedCheckpoint(batch, first);
    if (problem !== undefined) throw refusal(directory, `${problem} file=${file.name}`);
    first += batch.count;
    yield;
  }
  if (!replay.isCheckpointWhole) throw refusal(directory, `a checkpoint must be whole: file=${file.name}`);
}

/**
 * Returns how many bytes at the end were never whole: part of a record, or zeros. Anything else that is unsound is
 * refused.
 */
function* replaySegment(
  directory: JournalDirectory,
  file: JournalFile,
  replay: Replay,
  batch: RecordBatch,
): Generator<void, number, void> {
  let soundBytes = headerOf(file).headerBytes;
  let isOver = false;
  for (const _ of readRecords(directory, file, batch)) {
    let unsound = 0;
    const wasOver = isOver;
    if (!isOver) {
      const { soundCount, problem } = replay.feedSegment(batch);
      const where = `file=${file.name} offset=${soundBytes + soundCount * RECORD_BYTES}`;
      if (problem !== undefined) throw refusal(directory, `${problem} ${where}`);
      soundBytes += soundCount * RECORD_BYTES;
      isOver = soundCount < batch.count;
      unsound = soundCount;
    }
    const isFirstTorn = unsound < batch.count && !wasOver && isTorn(batch, unsound, soundBytes);
    for (let record = unsound; record < batch.count; record++) {
      if (batch.isZero(record) || (record === unsound && isFirstTorn)) continue;
      throw refusal(
        directory,
        `a record is damaged that may have been acknowledged: file=${file.name} offset=${soundBytes}`,
      );
    }
    yield;
  }
  return file.bytes - soundBytes;
}

/** Whether a loss of power kept the first part of the record, up to a sector's end, and lost the sector after it. */
function isTorn(batch: RecordBatch, record: number, atByte: number): boolean {
  const untilSector = SECTOR_BYTES - (atByte % SECTOR_BYTES);
  if (untilSector >= RECORD_BYTES) return false;
  const start = record * RECORD_BYTES;
  return batch.bytes.subarray(start + untilSector, start + RECORD_BYTES).every((byte) => byte === 0);
}

/** Fills `batch` with the whole records of a file, chunk by chunk; part of a record at the end is left out. */
function* readRecords(directory: JournalDirectory, file: JournalFile, batch: RecordBatch): Generator<void, void, void> {
  const { headerBytes } = headerOf(file);
  const opened = directory.disk.open(directory.filePath(file.name), "read");
  try {
    const total = Math.floor((file.bytes - headerBytes) / RECORD_BYTES);
    for (let done = 0; done < total; done += batch.count) {
      const count = Math.min(batch.capacity, total - done);
      readFully(opened, batch.bytes, count * RECORD_BYTES, headerBytes + done * RECORD_BYTES);
      batch.refill(count);
      yield;
    }
  } finally {
    opened.close();
  }
}

function refusal(directory: JournalDirectory, problem: string): RecoveryError {
  return new RecoveryError(`${problem} directory=${directory.path}`);
}
