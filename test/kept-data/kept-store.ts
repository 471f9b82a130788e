import { setTimeout as sleep } from "node:timers/promises";
import type { PostgresServer } from "../../perf/postgres/postgres-server.ts";
import { runPostgresProgram } from "../support/postgres-programs.ts";

/** Plain SQL that every PostgreSQL can carry out, without psql. Who polls processors is of no use to anybody later. */
const DUMP_OPTIONS = [
  "--schema=rinha",
  "--no-owner",
  "--no-privileges",
  "--no-comments",
  "--no-unlogged-table-data",
  "--inserts",
  "--rows-per-insert=100",
];
/** Commands to psql that newer releases of pg_dump write, with a new key each time. */
const PSQL_COMMANDS = /^\\.*\n/gm;
/** Settings that servers before version 17 refuse. */
const LATER_SETTINGS = /^SET transaction_timeout = .*\n/gm;
/** The payment table is about a second behind. */
const TABLE_PATIENCE_MS = 10_000;
const TABLE_BEHIND = `SELECT FROM rinha.partition LEFT JOIN rinha.payment_position p ON p.partition = number
  WHERE lsn IS DISTINCT FROM head`;

/**
 * From here on the database takes the time for another, like the instances of a story: they refuse a store whose clock
 * differs from theirs.
 */
export async function shiftClock(server: PostgresServer, offsetMs: number): Promise<void> {
  await server.query(`
    CREATE SCHEMA told;
    CREATE FUNCTION told.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE
      AS $$ SELECT pg_catalog.clock_timestamp() + ${offsetMs} * interval '1 millisecond' $$;
    ALTER DATABASE rinha SET search_path = told, pg_catalog, public`);
}

/** Resolves when the payment table has all that the logs have. */
export async function untilTableIsThere(server: PostgresServer): Promise<void> {
  const untilMs = performance.now() + TABLE_PATIENCE_MS;
  while ((await server.query(TABLE_BEHIND)).length > 0) {
    if (performance.now() > untilMs) throw new Error(`the table must get there: timeoutMs=${TABLE_PATIENCE_MS}`);
    await sleep(50);
  }
}

/** What `loadStore` makes the store of again. */
export async function dumpStore(server: PostgresServer): Promise<string> {
  const text = await runPostgresProgram(server, "pg_dump", DUMP_OPTIONS);
  return text.replaceAll(PSQL_COMMANDS, "").replaceAll(LATER_SETTINGS, "");
}

/** In place of the store that the server has. */
export async function loadStore(server: PostgresServer, dump: string): Promise<void> {
  await server.query("DROP SCHEMA IF EXISTS rinha CASCADE");
  await server.query(dump);
}
