import { Ledger } from "../../core/ledger/ledger.ts";
import { ChunkReader } from "../lease/chunk-reader.ts";
import type { Database } from "../lease/database.ts";
import { sizeOf } from "../lease/lease-claim.ts";
import type { Time } from "../system/time.ts";
import { rowOf } from "./ledger-rows.ts";
import type { PaymentTable } from "./payment-table.ts";

/** Put with one statement. */
const ROWS_MAX = 1024;
/** Between statements, so that the making takes a small share of the loop and the database. */
const PAUSE_MS = 5;

/**
 * Makes a partition's rows of its checkpoint and what follows it, by a ledger of its own: where the table is nowhere
 * in a log that has a past, as after an import. Resolves with where the table is then; undefined where another makes
 * them. Takes the memory of the partition's payments meanwhile.
 */
export async function makeRows(
  { database, table, time }: { database: Database; table: PaymentTable; time: Time },
  partition: number,
  epoch: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (!(await table.beginMaking(partition, epoch))) return undefined;
  const outline = await database.outline(partition);
  const ledger = new Ledger(sizeOf(outline, 1).capacity, 0, 1);
  const reader = new ChunkReader(database, partition, ledger, [], time);
  await reader.begin(outline.checkpoint, signal);
  await reader.readOn(signal);
  const { tail, head } = ledger;
  for (let first = tail; first < head; first += ROWS_MAX) {
    signal.throwIfAborted();
    const count = Math.min(ROWS_MAX, head - first);
    const rows = Array.from({ length: count }, (_, i) => rowOf(ledger, first + i, partition, reader.numbers.names));
    if (!(await table.make(partition, epoch, rows))) return undefined;
    await time.pause(PAUSE_MS);
  }
  const { lsn } = reader;
  return (await table.endMaking(partition, epoch, { tail, head, lsn })) ? lsn : undefined;
}
