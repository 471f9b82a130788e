import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import type { Chunk, Database, Outline } from "../lease/database.ts";

const READ_BYTES = 4 * 1024 * 1024;
/** Of one log; then what is said does not get any better. */
const PROBLEMS_MAX = 20;

/** What is in a partition's log, and what is wrong with it. */
export type LogSurvey = {
  outline: Outline;
  /** Of the first record that there is; undefined where there are none. */
  firstLsn: number | undefined;
  chunkCount: number;
  recordCount: number;
  problems: readonly string[];
};

/** Reads all of a log and of its checkpoint. It may be appended to, and be cut at its beginning, meanwhile. */
export async function surveyLog(database: Database, partition: number): Promise<LogSurvey> {
  const before = await database.outline(partition);
  const survey = new Survey();
  for (;;) {
    const chunks = await database.chunks(partition, survey.endLsn ?? 0, READ_BYTES);
    if (chunks.length === 0 || survey.isGivenUp) break;
    for (const chunk of chunks) survey.add(chunk);
  }
  const after = await database.outline(partition);
  survey.compare(before, after);
  survey.compareNames(await database.names(partition));
  if (after.checkpoint) await surveySlices(database, partition, after.checkpoint.number, survey);
  const { firstLsn, chunkCount, recordCount, problems } = survey;
  return { outline: after, firstLsn, chunkCount, recordCount, problems };
}

class Survey {
  readonly problems: string[] = [];
  firstLsn: number | undefined;
  endLsn: number | undefined;
  chunkCount = 0;
  recordCount = 0;
  readonly #epochs = new Set<number>();
  #epoch = 0;
  #batch = new RecordBatch(1);

  get isGivenUp(): boolean {
    return this.problems.length >= PROBLEMS_MAX;
  }

  say(problem: string): void {
    if (!this.isGivenUp) this.problems.push(problem);
  }

  add({ lsn, epoch, recordCount, records }: Chunk): void {
    this.firstLsn ??= lsn;
    if (this.endLsn !== undefined && lsn !== this.endLsn)
      this.say(`${lsn > this.endLsn ? "records are missing" : "chunks overlap"}: lsn=${lsn} expected=${this.endLsn}`);
    if (epoch < this.#epoch) this.say(`epochs never go back: lsn=${lsn} epoch=${epoch} before=${this.#epoch}`);
    this.#epoch = Math.max(this.#epoch, epoch);
    this.#epochs.add(epoch);
    if (records.length !== recordCount * RECORD_BYTES)
      this.say(`a chunk has ${RECORD_BYTES} bytes a record: lsn=${lsn} records=${recordCount} bytes=${records.length}`);
    else this.checkRecords(lsn, records, "lsn");
    this.chunkCount++;
    this.recordCount += recordCount;
    this.endLsn = Math.max(this.endLsn ?? 0, lsn + recordCount);
  }

  /** Whether each is sound and at its place; the first that is not is named. */
  checkRecords(first: number, records: Uint8Array, name: string): void {
    const count = records.length / RECORD_BYTES;
    if (this.#batch.capacity < count) this.#batch = new RecordBatch(count);
    this.#batch.bytes.set(records);
    for (let record = 0; record < count; record++) {
      if (this.#batch.isSound(record, first + record)) continue;
      this.say(`a record is not as it was written: ${name}=${first + record}`);
      return;
    }
  }

  /** What was read must end where the log ended, at some time while it was read, and begin where it begins. */
  compare(before: Outline, after: Outline): void {
    const covered = before.checkpoint?.lsn ?? 0;
    const end = this.endLsn ?? covered;
    if (end < before.head) this.say(`the log ends before its head: end=${end} head=${before.head}`);
    if (end > after.head) this.say(`the log goes on behind its head: end=${end} head=${after.head}`);
    const begin = after.checkpoint?.lsn ?? 0;
    if (this.firstLsn !== undefined && this.firstLsn > begin)
      this.say(`records are missing: lsn=${begin} first=${this.firstLsn}`);
  }

  compareNames(names: ReadonlyMap<number, readonly string[]>): void {
    for (const epoch of this.#epochs)
      if (!names.has(epoch)) this.say(`the processors of an epoch must be known: epoch=${epoch}`);
  }
}

/** Its records are numbered from its beginning. One that is replaced while it is read has no more slices. */
async function surveySlices(database: Database, partition: number, checkpoint: number, survey: Survey): Promise<void> {
  let index = 0;
  let record = 0;
  for (;;) {
    const slices = await database.slices(partition, checkpoint, index, READ_BYTES);
    if (slices.length === 0 || survey.isGivenUp) return;
    for (const records of slices) {
      if (records.length % RECORD_BYTES !== 0)
        survey.say(`a slice has ${RECORD_BYTES} bytes a record: checkpoint=${checkpoint} bytes=${records.length}`);
      else survey.checkRecords(record, records, `checkpoint=${checkpoint} record`);
      record += Math.floor(records.length / RECORD_BYTES);
    }
    index += slices.length;
  }
}
