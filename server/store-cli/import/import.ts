import { randomUUID } from "node:crypto";
import * as State from "../../../core/values/state.ts";
import { readImportedMark, writeImportedMark } from "../../journal/imported-mark.ts";
import { partitionCountFound } from "../../journal/partition-count.ts";
import { type LockedDirectory, lockPartition } from "../../journal/partition-directory.ts";
import { migrate } from "../../postgres/migration.ts";
import { checkServer } from "../../postgres/server-check.ts";
import { formatTarget, type StoreTarget } from "../../postgres/store-url.ts";
import { RealDisk } from "../../system/real-disk.ts";
import type { Progress } from "../../text/progress.ts";
import { type StoreConnection, TIMEOUT_MS, withStore } from "../store-connection.ts";
import { beginImport, endImport, importState } from "./imported-store.ts";
import { copyPartition, isCopied } from "./partition-copy.ts";
import { type PartitionJournal, readJournal } from "./partition-journal.ts";

export type ImportResult =
  | { kind: "imported"; partitions: readonly ImportedPartition[] }
  /** An earlier import of these journals was finished. */
  | { kind: "was there" }
  | { kind: "refused"; reasons: readonly string[] };

export type ImportedPartition = {
  number: number;
  payments: number;
  unsettled: number;
  /** Another run of the same import has moved it, so nothing is known of it here. */
  wasThere: boolean;
};

const UNSETTLED = [State.PENDING, State.SENDING, State.IN_DOUBT];
const NOTHING: Omit<ImportedPartition, "number"> = { payments: 0, unsettled: 0, wasThere: true };

/**
 * Moves the journals of an embedded deployment into an empty store, which is made where it is missing:
 *
 *   all journals locked ──► marked: no instance starts on them ──► the store halted ──► partition after partition
 *     ──► the store freed: instances start on it
 *
 * Broken off anywhere it is said again, and goes on; until then neither journals nor store can be started.
 */
export async function importJournals(target: StoreTarget, dataDir: string, progress: Progress): Promise<ImportResult> {
  const partitionCount = partitionCountFound(new RealDisk(), dataDir);
  if (partitionCount === undefined)
    return { kind: "refused", reasons: [`there must be journals, in folders partition-1 and so on: DIR=${dataDir}`] };
  const locked: LockedDirectory[] = [];
  try {
    for (let partition = 0; partition < partitionCount; partition++) {
      const one = await lockPartition(new RealDisk(), dataDir, partition, true);
      if (one === undefined) return { kind: "refused", reasons: [inUse(dataDir, partition)] };
      locked.push(one);
    }
    return await withStore(target, (store) => importLocked(store, target, dataDir, locked, progress));
  } finally {
    for (const { lock } of locked) await lock.release();
  }
}

function inUse(dataDir: string, partition: number): string {
  return `all instances must be stopped first: a journal is in use: DIR=${dataDir} partition=${partition + 1}`;
}

async function importLocked(
  store: StoreConnection,
  target: StoreTarget,
  dataDir: string,
  locked: readonly LockedDirectory[],
  progress: Progress,
): Promise<ImportResult> {
  const problems = await problemsOf(store, locked.length);
  if (problems.length > 0) return { kind: "refused", reasons: problems };
  const begun = await beginOrGoOn(store, formatTarget(target), dataDir);
  if (typeof begun !== "string") return begun;
  const partitions: ImportedPartition[] = [];
  for (const [partition, { directory }] of locked.entries()) {
    progress(`partition ${partition + 1} of ${locked.length} is being moved`);
    const isThere = await isCopied(store, partition);
    const moved = isThere ? NOTHING : await move(store, readJournal(directory, partition, locked.length), begun);
    partitions.push({ number: partition, ...moved });
  }
  await endImport(store);
  return { kind: "imported", partitions };
}

/** Why the database cannot take these journals. It has a store of this release and this number of partitions then. */
async function problemsOf({ session, run }: StoreConnection, partitionCount: number): Promise<readonly string[]> {
  const { refusals } = await checkServer(run);
  if (refusals.length > 0) return refusals;
  const migration = await migrate(session, partitionCount, TIMEOUT_MS);
  return "refusal" in migration ? [`${migration.refusal}; a payment's id has the number of its partition`] : [];
}

/** The import's id, or what there is to say instead. The store knows of an import before its journals are marked. */
async function beginOrGoOn(store: StoreConnection, name: string, dataDir: string): Promise<string | ImportResult> {
  const known = readImportedMark(dataDir);
  if (known === undefined) {
    const id = randomUUID();
    if (!(await beginImport(store, id)))
      return { kind: "refused", reasons: [`journals are imported into an empty store: store=${name}`] };
    writeImportedMark(dataDir, { id, store: name });
    return id;
  }
  const state = await importState(store, known.id);
  if (state === "under way") return known.id;
  if (state === "done") return { kind: "was there" };
  return { kind: "refused", reasons: [`journals are imported once: imported=${known.store} store=${name}`] };
}

async function move(store: StoreConnection, journal: PartitionJournal, id: string): Promise<typeof NOTHING> {
  await copyPartition(store, journal, id);
  const { ledger } = journal;
  const unsettled = UNSETTLED.reduce((sum, state) => sum + ledger.countIn(state), 0);
  return { payments: ledger.size, unsettled, wasThere: false };
}
