import { join } from "node:path";
import { SEGMENT } from "../../core/log/journal-header.ts";
import type { RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import { formatCents } from "../../core/values/money.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import { type FileSurvey, headerOf } from "./file-survey.ts";
import { kindName, outcomeName, processorName, timeText } from "./names.ts";
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
    const lineOf = file.kind === SEGMENT ? recordLine : checkpointLines();
    readRecords(join(directory, file.name), headerOf(file)!.headerBytes, (batch, first) => {
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

function recordLine(batch: RecordBatch, record: number, lsn: number): string {
  const kind = batch.kind(record);
  const at = `at=${timeText(batch.atMs(record))}`;
  if (kind === Kind.WATERMARK || kind === Kind.CLOCK) return `${lsn} ${kindName(kind)} ${at}`;
  const place = `${lsn} ${kindName(kind)} sequence=${batch.sequence(record)} ${at}`;
  if (kind === Kind.ACCEPTED) return `${place} ${idAndAmount(batch, record)}`;
  if (kind === Kind.SENDING || kind === Kind.SENT)
    return `${place} processor=${processorName(batch.processor(record))}`;
  if (kind === Kind.PURGED || kind === Kind.EVICTED) return place;
  return `${place} ${processorAndOutcome(batch, record)} elapsedMs=${batch.elapsedMs(record)}`;
}

/** Rows have no numbers of their own: their sequence follows from the slice they stand in. */
function checkpointLines(): (batch: RecordBatch, record: number, place: number) => string {
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
    return `${line} ${idAndAmount(batch, record)} ${processorAndOutcome(batch, record)}`;
  };
}

function processorAndOutcome(batch: RecordBatch, record: number): string {
  return `processor=${processorName(batch.processor(record))} outcome="${outcomeName(batch.outcome(record))}"`;
}

function idAndAmount(batch: RecordBatch, record: number): string {
  const words = new Int32Array(UUID_WORDS);
  batch.copyId(record, words, 0);
  return `correlationId=${formatUuid(words, 0)} amount=${formatCents(batch.cents(record))}`;
}
