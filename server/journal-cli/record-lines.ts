import { join } from "node:path";
import { SEGMENT } from "../../core/log/journal-header.ts";
import type { RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import { formatCents } from "../../core/values/money.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import { type FileSurvey, headerOf } from "./file-survey.ts";
import { kindName, outcomeName, processorName, reasonName, timeText } from "./names.ts";
import { readRecords } from "./record-reader.ts";

export type RecordWish = { fromLsn: number; limit: number };

/** Prints the sound records of the files, in order, until the limit; returns how many lines there were. */
export function printRecords(
  directory: string,
  surveys: readonly FileSurvey[],
  wish: RecordWish,
  print: (line: string) => void,
): number {
  let printed = 0;
  for (const { file, firstLsn, recordCount } of surveys) {
    const isPassedOver = file.kind !== SEGMENT ? wish.fromLsn > 0 : firstLsn + recordCount <= wish.fromLsn;
    if (recordCount === 0 || isPassedOver || printed === wish.limit) continue;
    print(`${file.name}:`);
    const { processors, headerBytes } = headerOf(file)!;
    const lineOf = file.kind === SEGMENT ? recordLines(processors) : checkpointLines(processors);
    readRecords(join(directory, file.name), headerBytes, (batch, first) => {
      for (let record = 0; record < batch.count && first + record < recordCount; record++) {
        const lsn = firstLsn + first + record;
        const line = lineOf(batch, record, lsn);
        if (file.kind === SEGMENT && lsn < wish.fromLsn) continue;
        if (printed === wish.limit) return false;
        print(line);
        printed++;
      }
      return true;
    });
  }
  return printed;
}

type LineOf = (batch: RecordBatch, record: number, lsn: number) => string;

/** `names`: of the processors, by the numbers in this file. */
function recordLines(names: readonly string[]): LineOf {
  return (batch, record, lsn) => {
    const kind = batch.kind(record);
    const at = `at=${timeText(batch.atMs(record))}`;
    if (kind === Kind.WATERMARK || kind === Kind.CLOCK) return `${lsn} ${kindName(kind)} ${at}`;
    const place = `${lsn} ${kindName(kind)} sequence=${batch.sequence(record)} ${at}`;
    if (kind === Kind.ACCEPTED) return `${place} ${idAndAmount(batch, record)}`;
    const processor = `processor=${processorName(names, batch.processor(record))}`;
    if (kind === Kind.SENT) return `${place} ${processor}`;
    if (kind === Kind.SENDING) return `${place} ${processor} reason="${reasonName(batch.outcome(record))}"`;
    if (kind === Kind.PURGED || kind === Kind.EVICTED) return place;
    return `${place} ${processorAndOutcome(names, batch, record)} elapsedMs=${batch.elapsedMs(record)}`;
  };
}

/** Rows have no numbers of their own: their sequence follows from the slice they stand in. */
function checkpointLines(names: readonly string[]): LineOf {
  let sequence = 0;
  let rowsDue = 0;
  return (batch, record) => {
    if (rowsDue === 0 && batch.kind(record) === Kind.SLICE) {
      sequence = batch.sequence(record);
      rowsDue = batch.cents(record);
      return `slice fromSequence=${sequence} asOfLsn=${batch.atMs(record)} rows=${rowsDue}`;
    }
    rowsDue--;
    const state = State.NAMES[batch.kind(record)] ?? `state ${batch.kind(record)}`;
    const line = `row sequence=${sequence++} state="${state}" acceptedAt=${timeText(batch.sequence(record))}`;
    const reason = `reason="${reasonName(batch.rowReason(record))}"`;
    return `${line} ${idAndAmount(batch, record)} ${processorAndOutcome(names, batch, record)} ${reason}`;
  };
}

function processorAndOutcome(names: readonly string[], batch: RecordBatch, record: number): string {
  return `processor=${processorName(names, batch.processor(record))} outcome="${outcomeName(batch.outcome(record))}"`;
}

function idAndAmount(batch: RecordBatch, record: number): string {
  const words = new Int32Array(UUID_WORDS);
  batch.copyId(record, words, 0);
  return `correlationId=${formatUuid(words, 0)} amount=${formatCents(batch.cents(record))}`;
}
