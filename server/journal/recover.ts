import type { Ledger } from "../../core/ledger/ledger.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import { type Expected, type JournalFile, planRecovery, type RecoveryPlan } from "../../core/log/recovery-plan.ts";
import { problemOfProcessors } from "../store/processors-kept.ts";
import { atOnce } from "../system/in-slices.ts";
import type { JournalStart } from "./journal.ts";
import type { JournalDirectory } from "./journal-directory.ts";
import { headerOf, LogReader } from "./log-reader.ts";
import { LostFollowingError, refusal } from "./recovery-error.ts";

/** Payments put into the index at once. */
const INDEXED_PER_STEP = 16_384;

export type Recovered = JournalStart & {
  /** What was being written when the process ended, to be cut off. */
  torn: { name: string; fileBytes: number; soundBytes: number } | undefined;
  obsolete: readonly JournalFile[];
  /** The checkpoint, and segments of which nobody has said that they survive a loss of power, in order. */
  unsafe: readonly { name: string; soundBytes: number }[];
};

/**
 * Fills an empty ledger from the directory. Changes no file. Throws RecoveryError where acknowledged payments are in
 * danger. The ledger has the numbers of the expected processors, whatever numbers they have in the files.
 */
export function recover(
  directory: JournalDirectory,
  ledger: Ledger,
  expected: Expected,
  chunkRecords?: number,
): Recovered {
  return atOnce(recoverInSteps(new LogReader(directory, ledger, expected, chunkRecords)));
}

/**
 * The same in steps of about a millisecond, from where the reader is, which is closed then. Throws LostFollowingError
 * where a reader that has begun cannot go on: a start from an empty ledger can.
 */
export function* recoverInSteps(reader: LogReader): Generator<void, Recovered, void> {
  try {
    const { directory, expected, ledger, numbers } = reader;
    const plan = planRecovery(directory.files(), expected);
    if (typeof plan === "string") throw refusal(directory, plan);
    const tornBytes = yield* readPlanned(reader, plan);
    while (!ledger.finishReplay(INDEXED_PER_STEP)) yield;
    const problem = yield* problemOfProcessors(ledger, numbers);
    if (problem !== undefined) throw refusal(directory, problem);
    return recovered(reader, plan, tornBytes);
  } finally {
    reader.close();
  }
}

/** Returns how many bytes at the end were never whole. */
function* readPlanned(reader: LogReader, plan: RecoveryPlan): Generator<void, number, void> {
  const { directory } = reader;
  if (reader.segment === undefined && plan.checkpoint) yield* reader.readCheckpoint(plan.checkpoint);
  let tornBytes = 0;
  for (const segment of reader.segment === undefined ? plan.segments : segmentsToRead(reader, plan)) {
    if (segment.number !== reader.segment?.number) reader.beginSegment(segment);
    else if (!reader.reopenSegment(segment)) throw new LostFollowingError(directory, `changed=${segment.name}`);
    yield* reader.readOn();
    tornBytes = yield* reader.tornBytes();
    if (tornBytes > 0 && segment !== plan.segments.at(-1)) throw endsEarly(directory, segment, tornBytes);
  }
  const { lsn, checkpointLsn } = reader;
  if (lsn < checkpointLsn) {
    const lsns = `lsn=${lsn} checkpointLsn=${checkpointLsn}`;
    throw refusal(directory, `the log must reach what the checkpoint knows: ${lsns}`);
  }
  return tornBytes;
}

/**
 * The segment that the reader has begun and those after it. It passed over what was torn at the end of the ones before,
 * without knowing whether somebody would cut it off: now that must have happened.
 */
function segmentsToRead({ directory, segment: begun }: LogReader, { segments }: RecoveryPlan): readonly JournalFile[] {
  const place = segments.findIndex(({ number }) => number === begun!.number);
  if (place < 0) throw new LostFollowingError(directory, `gone=${begun!.name}`);
  for (const [i, segment] of segments.slice(0, place).entries()) {
    const { headerBytes, firstLsn } = headerOf(segment);
    const recordCount = headerOf(segments[i + 1]!).firstLsn - firstLsn;
    const restBytes = segment.bytes - headerBytes - recordCount * RECORD_BYTES;
    if (restBytes !== 0) throw endsEarly(directory, segment, restBytes);
  }
  return segments.slice(place);
}

function endsEarly(directory: JournalDirectory, { name }: JournalFile, bytes: number): Error {
  return refusal(directory, `only the newest segment may end early: file=${name} bytes=${bytes}`);
}

function recovered(reader: LogReader, plan: RecoveryPlan, tornBytes: number): Recovered {
  const last = plan.segments.at(-1);
  const torn =
    last && tornBytes > 0 ? { name: last.name, fileBytes: last.bytes, soundBytes: last.bytes - tornBytes } : undefined;
  const unsafe = unsafeOf(plan).map((file) => {
    return { name: file.name, soundBytes: file === last ? file.bytes - tornBytes : file.bytes };
  });
  const { nextNumber, epoch, obsolete } = plan;
  return { nextNumber, lsn: reader.lsn, epoch, latestMs: reader.latestMs, torn, obsolete, unsafe };
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
