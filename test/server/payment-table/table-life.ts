import { CheckpointCut } from "../../../core/ledger/checkpoint.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import type { Database } from "../../../server/lease/database.ts";
import { rowOf } from "../../../server/payment-table/ledger-rows.ts";
import type { PaymentRow } from "../../../server/payment-table/payment-table.ts";
import { JournalLife } from "../../support/journal-life.ts";
import type { Random } from "../../support/random.ts";
import { TWO_NAMES } from "../../support/terms.ts";

const SLICE_ROWS = 5;

/** A partition's log in a database, written record by record, and what the payment table has to have of it. */
export class TableLife extends JournalLife {
  readonly partition: number;
  /** By sequence: those that were dropped by retention too. */
  readonly expected = new Map<number, PaymentRow>();
  epoch = 1;
  lsn = 0;
  #unsent: Uint8Array[] = [];

  /** `path`: of a folder that is not used. */
  constructor(path: string, random: Random, partition: number) {
    super(path, random, { expected: { partition, partitionCount: 3, processors: TWO_NAMES } });
    this.partition = partition;
  }

  /** Every record is looked at when the ledger has it, and kept for `send`. */
  override write(): void {
    const { batch } = this;
    for (let record = 0; record < batch.count; record++) this.#note(record);
    batch.seal(this.lsn + this.#unsentCount);
    this.#unsent.push(batch.bytes.slice(0, batch.count * RECORD_BYTES));
    batch.clear();
  }

  /** Records one by one, so that each is seen with the ledger as it left it. */
  step(count: number): void {
    for (let i = 0; i < count; i++) this.live(1);
  }

  /** Appends them as chunks of several records. */
  async send(database: Database, random: Random): Promise<void> {
    while (this.#unsent.length > 0) {
      const records = Buffer.concat(this.#unsent.splice(0, random.between(1, 9)));
      const recordCount = records.length / RECORD_BYTES;
      if (recordCount === 0) continue;
      const { partition, epoch, lsn } = this;
      const moved = await database.append([{ partition, epoch, lsn, recordCount, records }]);
      if (moved.length !== 1) throw new Error(`a log must take its records: partition=${partition} lsn=${lsn}`);
      this.lsn += recordCount;
    }
  }

  async checkpointInto(database: Database): Promise<void> {
    const { partition, epoch, lsn } = this;
    const number = (await database.beginCheckpoint(partition, epoch, { lsn, latestMs: this.latestMs }))!;
    const cut = new CheckpointCut(this.ledger);
    const batch = new RecordBatch(SLICE_ROWS + 1);
    let [slices, first, rows] = [0, 0, 0];
    for (; !cut.isDone; slices++) {
      batch.clear();
      cut.cut(batch, lsn, SLICE_ROWS);
      batch.seal(first);
      await database.putSlice(partition, number, slices, batch.bytes.slice(0, batch.count * RECORD_BYTES));
      first += batch.count;
      rows += batch.count - 1;
    }
    await database.finishCheckpoint(partition, epoch, number, { slices, rows });
  }

  get #unsentCount(): number {
    return this.#unsent.reduce((sum, { length }) => sum + length / RECORD_BYTES, 0);
  }

  #note(record: number): void {
    const { batch, expected } = this;
    const kind = batch.kind(record);
    const sequence = batch.sequence(record);
    if (kind === Kind.PURGED) {
      for (const known of [...expected.keys()]) if (known < sequence) expected.delete(known);
    } else if (kind !== Kind.EVICTED && kind !== Kind.WATERMARK && kind !== Kind.CLOCK)
      expected.set(sequence, rowOf(this.ledger, sequence, this.partition, TWO_NAMES));
  }
}
