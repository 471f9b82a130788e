import { NotDoneError } from "../lease/database.ts";
import { SCHEMA_STEPS, SCHEMA_VERSION } from "./schema.ts";
import type { Row, Session } from "./session.ts";

/** Of advisory locks: one migration at a time. */
const MIGRATION_LOCK = 0x72696e02;
const IS_THERE = "SELECT to_regclass('rinha.store') IS NOT NULL AS is_there";
const LAYOUT = "SELECT version, partition_count FROM rinha.store";

export const PARTITIONS_USUAL = 12;
const PARTITIONS_MAX = 256;

export type Migration = { from: number; to: number; partitionCount: number };

/**
 * Makes the store, or brings it up to this release's version; all of it or nothing. `partitionCount` undefined: as many
 * as there are, or 12. Rejects with NotDoneError where there are others, or a later release was here.
 */
export async function migrate(
  session: Session,
  partitionCount: number | undefined,
  timeoutMs: number,
): Promise<Migration> {
  const untilMs = performance.now() + timeoutMs;
  const run = (text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    session.run({ text }, values, Math.max(1, untilMs - performance.now()));
  try {
    await run("BEGIN");
    await run(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const migration = planOf(await layoutOf(run), partitionCount);
    for (const step of SCHEMA_STEPS.slice(migration.from)) await run(step);
    if (migration.from === 0) await run(rowsOf(migration.partitionCount));
    else await run("UPDATE rinha.store SET version = $1", [migration.to]);
    await run("COMMIT");
    return migration;
  } catch (error) {
    await run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

type Found = { version: number; partitionCount: number };

async function layoutOf(run: (text: string) => Promise<Row[]>): Promise<Found | undefined> {
  const [there] = await run(IS_THERE);
  if (there?.["is_there"] !== true) {
    await run("CREATE SCHEMA IF NOT EXISTS rinha");
    return undefined;
  }
  const [row] = await run(LAYOUT);
  return { version: row!["version"] as number, partitionCount: row!["partition_count"] as number };
}

function planOf(found: Found | undefined, asked: number | undefined): Migration {
  const partitionCount = asked ?? found?.partitionCount ?? PARTITIONS_USUAL;
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > PARTITIONS_MAX)
    throw new NotDoneError(`a store has 1 to ${PARTITIONS_MAX} partitions: partitions=${partitionCount}`);
  if (found && found.partitionCount !== partitionCount)
    throw new NotDoneError(
      "the number of partitions is fixed when a store is made: " +
        `partitions=${partitionCount} store=${found.partitionCount}`,
    );
  if (found && found.version > SCHEMA_VERSION)
    throw new NotDoneError(`the store is of a later release: version=${found.version} known=${SCHEMA_VERSION}`);
  return { from: found?.version ?? 0, to: SCHEMA_VERSION, partitionCount };
}

function rowsOf(partitionCount: number): string {
  return `
INSERT INTO rinha.store (version, partition_count) VALUES (${SCHEMA_VERSION}, ${partitionCount});
INSERT INTO rinha.partition (number) SELECT generate_series(0, ${partitionCount - 1});`;
}
