import { Ledger } from "../../core/ledger/ledger.ts";
import * as State from "../../core/values/state.ts";
import { JournalDirectory } from "../../server/journal/journal-directory.ts";
import { recover } from "../../server/journal/recover.ts";
import { RecoveryError } from "../../server/journal/recovery-error.ts";
import { ChunkReader } from "../../server/lease/chunk-reader.ts";
import type { Database } from "../../server/lease/database.ts";
import { namesOf } from "../support/terms.ts";
import { VirtualTime } from "../support/virtual-time.ts";
import { damage } from "./damage.ts";
import * as statements from "./database-statements.ts";
import type { DatabaseTables } from "./database-tables.ts";
import type { Deployment } from "./deployment.ts";
import type { Settings } from "./incident.ts";
import type { Finished } from "./log-watch.ts";
import { Process } from "./process.ts";
import { ProcessDisk } from "./process-disk.ts";
import { expectThat, Violation } from "./violation.ts";

const CHUNK_RECORDS = 61;
const NOBODY = -1;

/** The log is the truth: a ledger built from it once more is the ledger in memory. */
export async function checkRebuilt(ledger: Ledger, deployment: Deployment, partition: number): Promise<void> {
  const { mode } = deployment.world.settings;
  const rebuilt = await (mode === "lease"
    ? reread(deployment.database.tables, partition, deployment.world.settings)
    : replay(deployment, partition));
  if (rebuilt instanceof Error) throw new Violation("a restart finds its journal in order", String(rebuilt));
  expectSame(ledger, rebuilt, "memory is what the log says", `partition=${partition}`);
}

/** Whoever begins with a checkpoint that has just been finished comes to the same as who began before it. */
export async function checkCheckpoint({ partition, before, after }: Finished, settings: Settings): Promise<void> {
  const [all, shorter] = [await reread(before, partition, settings), await reread(after, partition, settings)];
  const rule = "a checkpoint knows what the log says";
  for (const ledger of [all, shorter]) if (ledger instanceof Error) throw new Violation(rule, String(ledger));
  expectSame(all as Ledger, shorter as Ledger, rule, `partition=${partition}`);
}

function expectSame(ledger: Ledger, rebuilt: Ledger, rule: string, where: string): void {
  const same = (what: string, live: number, again: number) =>
    expectThat(live === again, rule, () => `${where} ${what} live=${live} rebuilt=${again}`);
  same("tail", ledger.tail, rebuilt.tail);
  same("head", ledger.head, rebuilt.head);
  for (let state = State.FREE; state <= State.FAILED; state++)
    same("count", ledger.countIn(state), rebuilt.countIn(state));
  for (let sequence = ledger.tail; sequence < ledger.head; sequence++) {
    const slot = ledger.slotOf(sequence);
    same("state", ledger.rows.state[slot]!, rebuilt.rows.state[slot]!);
    same("cents", ledger.rows.cents[slot]!, rebuilt.rows.cents[slot]!);
    same("outcome", ledger.rows.outcome[slot]!, rebuilt.rows.outcome[slot]!);
    same("attempts", ledger.rows.attemptCount[slot]!, rebuilt.rows.attemptCount[slot]!);
    same("acceptedAt", ledger.rows.acceptedAtMs[slot]!, rebuilt.rows.acceptedAtMs[slot]!);
    if (ledger.rows.state[slot] !== State.PROCESSED) continue;
    same("processor", ledger.rows.processor[slot]!, rebuilt.rows.processor[slot]!);
    same("requestedAt", ledger.rows.requestedAtMs(slot), rebuilt.rows.requestedAtMs(slot));
    same("processedAt", ledger.rows.processedAtMs(slot), rebuilt.rows.processedAtMs(slot));
  }
}

/** A journal that has lost what was acknowledged is not taken for a shorter one. */
export function checkDamage(deployment: Deployment, partition: number): void {
  const { disk, world } = deployment;
  const what = damage(disk, directoryOf(partition), world.random);
  if (what === undefined) return;
  const wasRefused = replay(deployment, partition) instanceof RecoveryError;
  expectThat(wasRefused, "a damaged journal is refused", () => `partition=${partition} ${what}`);
}

/** What a start would make of the journal, or why it would be refused. */
function replay({ disk, world }: Deployment, partition: number): Ledger | Error {
  const { capacity, partitionCount, processorCount } = world.settings;
  const ledger = new Ledger(capacity, 1, processorCount);
  const reader = new ProcessDisk(disk, new Process(world, NOBODY));
  const directory = new JournalDirectory(reader, directoryOf(partition));
  const expected = { partition, partitionCount, processors: namesOf(processorCount) };
  try {
    recover(directory, ledger, expected, CHUNK_RECORDS);
    return ledger;
  } catch (error) {
    return error as Error;
  }
}

/** The same of the log in the database. */
async function reread(tables: DatabaseTables, partition: number, settings: Settings): Promise<Ledger | Error> {
  const { capacity, processorCount } = settings;
  const ledger = new Ledger(capacity, 1, processorCount);
  const reader = new ChunkReader(readingOf(tables), partition, ledger, namesOf(processorCount), new VirtualTime());
  try {
    await reader.begin(tables.partitions[partition]!.checkpoint);
    await reader.readOn();
    while (!ledger.finishReplay(capacity));
    return ledger;
  } catch (error) {
    return error as Error;
  }
}

/** What is there now, without delay. */
function readingOf(tables: DatabaseTables): Database {
  const reading: Pick<Database, "names" | "chunks" | "slices"> = {
    names: async (partition) => statements.names(partition).run(tables).result,
    chunks: async (...what) => statements.chunks(...what).run(tables).result,
    slices: async (...what) => statements.slices(...what).run(tables).result,
  };
  return reading as Database;
}

function directoryOf(partition: number): string {
  return `/data/partition-${partition + 1}`;
}
