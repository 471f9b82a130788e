import { CHECKPOINT, type JournalHeader, SEGMENT } from "./journal-header.ts";

/** A file of the journal directory, as found. */
export type JournalFile = {
  name: string;
  kind: typeof SEGMENT | typeof CHECKPOINT;
  /** From the name. */
  number: number;
  bytes: number;
  /** What is wrong with it, if it cannot be read; `blank` when the file ends within it or holds only zeros there. */
  header: JournalHeader | { problem: string } | "blank";
};

export type RecoveryPlan = {
  checkpoint: JournalFile | undefined;
  /** To be replayed, in order. */
  segments: readonly JournalFile[];
  /** To be deleted: covered by the checkpoint, or never written to. */
  obsolete: readonly JournalFile[];
  /** Number of the segment to be written next. */
  nextNumber: number;
  /** The latest carrier's number. */
  epoch: number;
};

export type Expected = {
  partition: number;
  partitionCount: number;
  /** Names in the order of their numbers, which are what the records have. */
  processors: readonly string[];
};

/**
 * What is to be read after a start, or why the directory is refused. Only what nobody was ever told of is dropped.
 *
 *   found                                             decision
 *   nothing                                           a new journal
 *   several checkpoints                               the newest; the others are obsolete
 *   segments before the checkpoint                    obsolete: they are in it
 *   a segment missing, first, or between others       refuse: payments are missing
 *   the last segment without a whole header           obsolete: the process died while creating it
 *   another file without a sound header               refuse: payments are missing
 *   a file of another partition or another count      refuse: its payments belong elsewhere
 *   an epoch after a later one                        refuse: a former carrier wrote where it must not
 *   within files (Replay):
 *   the last segment ends within a record, or in zeros,  that is cut off: the process or the machine died while writing
 *   be it from the middle of a record, at a sector, on
 *   any other unsound record                             refuse: acknowledged payments may be damaged
 *   kept payments at a processor that is not configured  refuse: nobody could ask about them there, or name them
 */
export function planRecovery(files: readonly JournalFile[], expected: Expected): RecoveryPlan | string {
  const byNumber = (a: JournalFile, b: JournalFile) => a.number - b.number;
  const checkpoint = files
    .filter((file) => file.kind === CHECKPOINT)
    .sort(byNumber)
    .at(-1);
  const firstNumber = checkpoint?.number ?? 1;
  const segments = files.filter((file) => file.kind === SEGMENT && file.number >= firstNumber).sort(byNumber);
  const blank = segments.at(-1)?.header === "blank" ? segments.pop() : undefined;
  const needed = checkpoint ? [checkpoint, ...segments] : segments;
  const problem = needed.map((file) => problemOf(file, expected)).find((found) => found !== undefined);
  if (problem !== undefined) return problem;
  const gap = segments.findIndex((segment, i) => segment.number !== firstNumber + i);
  if (gap >= 0) return `no segment may be missing: number=${firstNumber + gap}`;
  const epochs = segments.map(({ header }) => (header as JournalHeader).epoch);
  const late = epochs.findIndex((epoch, i) => epoch < (epochs[i - 1] ?? 0));
  if (late >= 0) return `epochs never go back: file=${segments[late]!.name} epoch=${epochs[late]}`;
  if (checkpoint && segments.length === 0) return `the segment after a checkpoint must be there: number=${firstNumber}`;
  if (!checkpoint && segments.length === 0 && blank && blank.number !== 1) return "no segment may be missing: number=1";
  const obsolete = files.filter((file) => !needed.includes(file));
  const epoch = Math.max(0, ...needed.map((file) => (file.header as JournalHeader).epoch));
  return { checkpoint, segments, obsolete, nextNumber: firstNumber + segments.length, epoch };
}

/** Why a file cannot be one that is replayed. */
export function problemOf(file: JournalFile, expected: Expected): string | undefined {
  const { header, name } = file;
  if (header === "blank") return `every file but the newest segment has a header: file=${name}`;
  if ("problem" in header) return `${header.problem}: file=${name}`;
  if (header.kind !== file.kind || header.number !== file.number)
    return `a file's name and header must agree: file=${name}`;
  if (header.partition !== expected.partition || header.partitionCount !== expected.partitionCount) {
    const found = `${header.partition + 1} of ${header.partitionCount}`;
    return `the journal belongs to another partition or another number of partitions: file=${name} partition=${found}`;
  }
  return undefined;
}
