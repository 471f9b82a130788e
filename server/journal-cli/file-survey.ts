import { join } from "node:path";
import { type JournalHeader, SEGMENT } from "../../core/log/journal-header.ts";
import { RECORD_BYTES, type RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import type { JournalFile } from "../../core/log/recovery-plan.ts";
import { KIND_NAMES } from "./names.ts";
import { readRecords } from "./record-reader.ts";

/** What one file of a journal holds. */
export type FileSurvey = {
  file: JournalFile;
  /** Number of the first record: in the log for a segment, in the file for a checkpoint. */
  firstLsn: number;
  /** Sound ones, up to the first that is not. */
  recordCount: number;
  /** By kind; rows of checkpoints are counted under ROW. */
  kindCounts: Float64Array;
  /** Of the records of a segment; infinite when there is none. */
  firstAtMs: number;
  lastAtMs: number;
  /** After the last sound record. */
  restBytes: number;
};

/** Where rows of checkpoints are counted, which have no kind of their own. */
export const ROW = KIND_NAMES.length;

export function surveyFile(directory: string, file: JournalFile): FileSurvey {
  const header = headerOf(file);
  const isSegment = file.kind === SEGMENT;
  const survey: FileSurvey = {
    file,
    firstLsn: header && isSegment ? header.firstLsn : 0,
    recordCount: 0,
    kindCounts: new Float64Array(KIND_NAMES.length + 1),
    firstAtMs: Number.POSITIVE_INFINITY,
    lastAtMs: Number.NEGATIVE_INFINITY,
    restBytes: file.bytes,
  };
  if (!header) return survey;
  const count = isSegment ? countRecord : rowCounter();
  readRecords(join(directory, file.name), header.headerBytes, (batch, first) => {
    for (let record = 0; record < batch.count; record++) {
      if (!batch.isSound(record, survey.firstLsn + first + record)) return false;
      survey.recordCount++;
      count(survey, batch, record);
    }
    return true;
  });
  survey.restBytes = Math.max(0, file.bytes - header.headerBytes - survey.recordCount * RECORD_BYTES);
  return survey;
}

/** Undefined where it cannot be read. */
export function headerOf({ header }: JournalFile): JournalHeader | undefined {
  return header === "blank" || "problem" in header ? undefined : header;
}

function countRecord(survey: FileSurvey, batch: RecordBatch, record: number): void {
  const kind = batch.kind(record);
  if (kind < ROW) survey.kindCounts[kind]!++;
  survey.firstAtMs = Math.min(survey.firstAtMs, batch.atMs(record));
  survey.lastAtMs = Math.max(survey.lastAtMs, batch.atMs(record));
}

/** In a checkpoint only the slices say what is a row. */
function rowCounter(): typeof countRecord {
  let rowsDue = 0;
  return (survey, batch, record) => {
    if (rowsDue > 0) {
      rowsDue--;
      survey.kindCounts[ROW]!++;
    } else {
      if (batch.kind(record) === Kind.SLICE) rowsDue = batch.cents(record);
      survey.kindCounts[Kind.SLICE]!++;
    }
  };
}
