import { CheckpointCut } from "../../../core/ledger/checkpoint.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import type { CheckpointSize, Database } from "../../lease/database.ts";
import type { StoreConnection } from "../store-connection.ts";
import type { PartitionJournal } from "./partition-journal.ts";

/** Payments per slice: some hundred kilobytes. */
const SLICE_ROWS = 8192;
/** Under which the imported rows go; the first claim has the next one. */
const EPOCH = 1;

const IS_COPIED = { text: "SELECT checkpoint IS NOT NULL AS is_copied FROM rinha.partition WHERE number = $1" };
const DROP_UNFINISHED = { text: "DELETE FROM rinha.checkpoint WHERE partition = $1 AND NOT is_finished" };
/** Only of an import under way, in which nobody else can have the partition. */
const BEGIN_COPY = {
  text: `
WITH begun AS (
  UPDATE rinha.partition SET epoch = $2, since = $2, head = $3, capacity = $4,
    is_restored = $5::double precision IS NOT NULL, lost_from_ms = $5::double precision,
    restored_since_ms = $6::double precision
  WHERE number = $1 AND (SELECT importing FROM rinha.store) = $7 AND checkpoint IS NULL RETURNING number
)
INSERT INTO rinha.carriage (partition, epoch, number, life, processors) SELECT number, $2, 0, $7, $8::text[] FROM begun
ON CONFLICT (partition, epoch) DO UPDATE SET processors = excluded.processors
RETURNING partition`,
};

export async function isCopied({ run }: StoreConnection, partition: number): Promise<boolean> {
  const [row] = await run(IS_COPIED, [partition]);
  return row!["is_copied"] === true;
}

/**
 * Makes the ledger the beginning of the partition's log, as a checkpoint. It is there once this resolves; what an
 * import that was broken off left of it is dropped before.
 */
export async function copyPartition({ run, database }: StoreConnection, journal: PartitionJournal, id: string) {
  const { partition, lsn, latestMs, capacity, mark, processors } = journal;
  await run(DROP_UNFINISHED, [partition]);
  const values = [partition, EPOCH, lsn, capacity, mark?.lostFromMs ?? null, mark?.sinceMs ?? null, id, processors];
  const begun = await run(BEGIN_COPY, values);
  const checkpoint = begun.length > 0 && (await database.beginCheckpoint(partition, EPOCH, { lsn, latestMs }));
  if (!checkpoint) throw new Error(`an import goes on only where it was: partition=${partition + 1}`);
  const size = await putSlices(database, checkpoint, journal);
  if (!(await database.finishCheckpoint(partition, EPOCH, checkpoint, size)))
    throw new Error(`a checkpoint must be whole: partition=${partition + 1}`);
}

async function putSlices(
  database: Database,
  checkpoint: number,
  { partition, ledger, lsn }: PartitionJournal,
): Promise<CheckpointSize> {
  const batch = new RecordBatch(SLICE_ROWS + 1);
  const cut = new CheckpointCut(ledger);
  let [first, slices, rows] = [0, 0, 0];
  for (; !cut.isDone; slices++) {
    batch.clear();
    cut.cut(batch, lsn, SLICE_ROWS);
    batch.seal(first);
    await database.putSlice(partition, checkpoint, slices, batch.bytes.slice(0, batch.count * RECORD_BYTES));
    first += batch.count;
    rows += batch.count - 1;
  }
  return { slices, rows };
}
