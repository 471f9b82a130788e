import { SCHEMA_STEPS } from "./schema.ts";
import type { Row, Session } from "./session.ts";

/** Of advisory locks: one migration at a time. */
const MIGRATION_LOCK = 0x72696e02;
const IS_THERE = "SELECT to_regclass('rinha.store') IS NOT NULL AS is_there";
const LAYOUT = "SELECT version, partition_count FROM rinha.store";

export const STORE_PARTITIONS_USUAL = 12;
const PARTITIONS_MAX = 256;

/** `from`: the version before, 0: there was no store. */
export type Migration = { from: number; to: number; partitionCount: number };

/**
 * Makes the store, or brings it up to this release's version; all of it or nothing. `partitionCount` undefined: as many
 * as there are, or 12. `steps`: what makes each version of the one before. A refusal has changed nothing: there are
 * others, or a later release was here. Rejects as Session.run does.
 */
export async function migrate(
  session: Session,
  partitionCount: number | undefined,
  timeoutMs: number,
  steps: readonly string[] = SCHEMA_STEPS,
): Promise<Migration | { refusal: string }> {
  const untilMs = performance.now() + timeoutMs;
  const run = (text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    session.run({ text }, values, Math.max(1, untilMs - performance.now()));
  await run("BEGIN");
  try {
    await run(`SELECT pg_advisory_xact_lock(${MIGRATION_LOCK})`);
    const plan = planOf(await foundBy(run), partitionCount, steps.length);
    if (!("refusal" in plan)) await carryOut(plan, steps, run);
    await run("COMMIT");
    return plan;
  } catch (error) {
    await run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

type Run = (text: string, values?: readonly unknown[]) => Promise<Row[]>;
type Found = { version: number; partitionCount: number };

async function foundBy(run: Run): Promise<Found | undefined> {
  const [there] = await run(IS_THERE);
  if (there?.["is_there"] !== true) return undefined;
  const [row] = await run(LAYOUT);
  return { version: row!["version"] as number, partitionCount: row!["partition_count"] as number };
}

function planOf(found: Found | undefined, asked: number | undefined, to: number): Migration | { refusal: string } {
  const partitionCount = asked ?? found?.partitionCount ?? STORE_PARTITIONS_USUAL;
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > PARTITIONS_MAX)
    return { refusal: `a store has 1 to ${PARTITIONS_MAX} partitions: partitions=${partitionCount}` };
  if (found && found.partitionCount !== partitionCount) {
    const fixed = "the number of partitions is fixed when a store is made";
    return { refusal: `${fixed}: partitions=${partitionCount} store=${found.partitionCount}` };
  }
  if (found && found.version > to)
    return { refusal: `the store is of a later release: version=${found.version} known=${to}` };
  return { from: found?.version ?? 0, to, partitionCount };
}

async function carryOut({ from, to, partitionCount }: Migration, steps: readonly string[], run: Run): Promise<void> {
  if (from === 0) await run("CREATE SCHEMA IF NOT EXISTS rinha");
  for (const step of steps.slice(from)) await run(step);
  if (from === 0) {
    await run("INSERT INTO rinha.store (version, partition_count) VALUES ($1, $2)", [to, partitionCount]);
    await run("INSERT INTO rinha.partition (number) SELECT generate_series(0, $1::int - 1)", [partitionCount]);
  } else if (from < to) await run("UPDATE rinha.store SET version = $1", [to]);
}
