import { DROP_ABANDONED, DROP_CARRIAGES } from "./checkpoint-statements.ts";
import { chunkTable } from "./schema.ts";
import { type Row, type Session, type Statement, sqlStateOf } from "./session.ts";

/** Of advisory locks, which the whole database shares: "rinha" and what for. */
const TIDY_LOCK = 0x72696e01;
const LOCK_NOT_AVAILABLE = "55P03";

const LOCK = { text: `SELECT pg_try_advisory_lock(${TIDY_LOCK}) AS is_ours` };
const UNLOCK = { text: `SELECT pg_advisory_unlock(${TIDY_LOCK})` };
const GENERATIONS = { text: "SELECT number FROM rinha.generation ORDER BY number" };
const SIZE = { text: "SELECT pg_total_relation_size($1::regclass) AS bytes" };
const BEGIN = { text: "SELECT rinha.begin_generation()" };
const IS_COVERED = { text: "SELECT rinha.is_covered($1) AS is_covered" };
const DROP = { text: "SELECT rinha.drop_generation($1) AS is_dropped" };

type Run = (statement: Statement, values?: readonly unknown[]) => Promise<Row[]>;

/**
 * Begins a generation of chunks when the last one is large, and drops those that no log needs any more, with the
 * checkpoints and carriages that none needs. One instance at a time; for others there is nothing to do.
 * `generationBytesMax`: about how large one becomes, with its index.
 */
export async function tidy(session: Session, timeoutMs: number, generationBytesMax: number): Promise<void> {
  const untilMs = performance.now() + timeoutMs;
  const run: Run = (statement, values = []) => session.run(statement, values, Math.max(1, untilMs - performance.now()));
  const [lock] = await run(LOCK);
  if (lock?.["is_ours"] !== true) return;
  try {
    await run(DROP_ABANDONED);
    await turnGenerations(run, generationBytesMax);
    await run(DROP_CARRIAGES);
  } finally {
    // With the connection the lock is gone too.
    if (!session.isLost) await run(UNLOCK);
  }
}

async function turnGenerations(run: Run, bytesMax: number): Promise<void> {
  const numbers = (await run(GENERATIONS)).map(({ number }) => number as number);
  const last = numbers.at(-1)!;
  const [size] = await run(SIZE, [chunkTable(last)]);
  if ((size!["bytes"] as number) > bytesMax) await unlessBusy(run(BEGIN));
  else numbers.pop();
  for (const number of numbers) {
    const [row] = await run(IS_COVERED, [number]);
    // In order: one that is busy would leave its chunks behind a gap.
    if (row?.["is_covered"] === true && !(await unlessBusy(run(DROP, [number])))) return;
  }
}

/** Whether it was done. Otherwise somebody reads, or waits for a standby: another time. */
async function unlessBusy(change: Promise<unknown>): Promise<boolean> {
  try {
    await change;
    return true;
  } catch (error) {
    if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
    return false;
  }
}
