import { join } from "node:path";
import { CheckpointCut } from "../../../core/ledger/checkpoint.ts";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { CHECKPOINT } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { UUID_WORDS } from "../../../core/values/uuid.ts";
import { Journal, type JournalOptions } from "../../../server/journal/journal.ts";
import { JournalDirectory } from "../../../server/journal/journal-directory.ts";
import { recover } from "../../../server/journal/recover.ts";
import { writeFully } from "../../../server/system/disk.ts";
import { RealDisk } from "../../../server/system/real-disk.ts";

export const RECORDS_PER_PAYMENT = 3;
/** As an instance has them that is told nothing else. */
const PROCESSOR_NAMES = ["default", "fallback"];
/** All payments go there. */
const FIRST_PROCESSOR = 0;
const OWNER = { partition: 0, partitionCount: 1, processors: PROCESSOR_NAMES };
/** As an instance has it by default. */
const SEGMENT_BYTES = 67_108_864;
/**
 * Payments of one turn; their records stand as the turns of an instance under load leave them: accepted, sent,
 * charged.
 */
const TURN_PAYMENT_COUNT = 32;
const TURN_MS = 10;
const CENTS = 1990;

/**
 * Writes the journal that `paymentCount` payments leave, each accepted, sent and charged. Returns the partition's
 * directory.
 */
export function makeJournal(dataDir: string, paymentCount: number, beganAtMs: number): JournalDirectory {
  const directory = new JournalDirectory(new RealDisk(), join(dataDir, "partition-1"));
  directory.make(false);
  const start = { nextNumber: 1, lsn: 0, epoch: 0, latestMs: 0 };
  const journal = new Journal(directory, start, journalOptions(beganAtMs));
  const batch = new RecordBatch(TURN_PAYMENT_COUNT * RECORDS_PER_PAYMENT);
  const ids = randomIds(TURN_PAYMENT_COUNT);
  for (let first = 0; first < paymentCount; first += TURN_PAYMENT_COUNT) {
    const count = Math.min(TURN_PAYMENT_COUNT, paymentCount - first);
    fillTurn(batch, ids, first, count, beganAtMs + (first / TURN_PAYMENT_COUNT) * TURN_MS);
    const error = journal.append(batch);
    if (error) throw error;
    if (journal.isSegmentFull) journal.rotate();
  }
  journal.close();
  return directory;
}

/** Replaces every segment by a checkpoint and an empty segment, as compaction does. */
export function compact(directory: JournalDirectory, paymentCount: number, nowMs: number): void {
  const ledger = new Ledger(paymentCount, 1, PROCESSOR_NAMES.length);
  const recovered = recover(directory, ledger, OWNER);
  const before = directory.files();
  const journal = new Journal(directory, recovered, journalOptions(nowMs));
  const { number, lsn } = journal;
  const file = directory.disk.create(directory.checkpointPath(number));
  const header = journal.header(CHECKPOINT, number);
  writeFully(file, header, header.length, 0);
  const batch = new RecordBatch(1025);
  const cut = new CheckpointCut(ledger);
  for (let first = 0; !cut.isDone; first += batch.count) {
    batch.clear();
    cut.cut(batch, lsn, batch.capacity - 1);
    batch.seal(first);
    writeFully(file, batch.bytes, batch.count * RECORD_BYTES, header.length + first * RECORD_BYTES);
  }
  file.close();
  journal.close();
  for (const { name } of before) directory.remove(name);
}

function journalOptions(nowMs: number): JournalOptions {
  const onBroken = (error: Error): never => {
    throw error;
  };
  const options = { segmentBytes: SEGMENT_BYTES, capacity: 0, syncsSegments: false };
  return { ...OWNER, ...options, nowMs: () => nowMs, onBroken };
}

/** Random enough to spread over an index as random UUIDs do, and different in every turn. */
function randomIds(count: number): Int32Array {
  return crypto.getRandomValues(new Int32Array(count * UUID_WORDS));
}

function fillTurn(batch: RecordBatch, ids: Int32Array, first: number, count: number, atMs: number): void {
  batch.clear();
  for (let i = 0; i < ids.length; i++) ids[i] = Math.imul(ids[i]! ^ (first + i), 0x9e3779b1) ^ (ids[i]! >>> 15);
  for (let i = 0; i < count; i++) batch.appendAccepted(first + i, atMs, ids, i * UUID_WORDS, CENTS);
  for (let i = 0; i < count; i++) batch.append(Kind.SENDING, first + i, atMs + 1, FIRST_PROCESSOR, Outcome.NONE, 0);
  for (let i = 0; i < count; i++)
    batch.append(Kind.PROCESSED, first + i, atMs + 4, FIRST_PROCESSOR, Outcome.CHARGED, 3);
}
