import { type Layout, NotDoneError } from "../lease/database.ts";
import { SCHEMA_VERSION } from "./schema.ts";
import { type Row, type Statement, sqlStateOf } from "./session.ts";

const LAYOUT: Statement = {
  text: "SELECT version, partition_count, extract(epoch FROM clock_timestamp()) * 1000 AS now_ms FROM rinha.store",
};
/** No such schema, no such table. */
const NOTHING_THERE: readonly (string | undefined)[] = ["3F000", "42P01"];

/** Rejects with NotDoneError where there is none, or one of another version. */
export async function readLayout(run: (statement: Statement) => Promise<Row[]>): Promise<Layout> {
  const layout = await findLayout(run);
  if (layout === undefined)
    throw new NotDoneError("the store must be made first, by npm run store -- init: version=none");
  const { version, partitionCount, nowMs } = layout;
  if (version > SCHEMA_VERSION)
    throw new NotDoneError(`the store is of a later release: version=${version} known=${SCHEMA_VERSION}`);
  if (version < SCHEMA_VERSION)
    throw new NotDoneError(
      `the store must be brought up to date, by npm run store -- init: version=${version} needed=${SCHEMA_VERSION}`,
    );
  return { partitionCount, nowMs };
}

/** Undefined where there is no store. */
export async function findLayout(
  run: (statement: Statement) => Promise<Row[]>,
): Promise<(Layout & { version: number }) | undefined> {
  const rows = await run(LAYOUT).catch((error: unknown) => {
    if (NOTHING_THERE.includes(sqlStateOf(error))) return [];
    throw error;
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    version: row["version"] as number,
    partitionCount: row["partition_count"] as number,
    nowMs: Number(row["now_ms"]),
  };
}
