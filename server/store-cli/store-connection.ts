import { Connector } from "../postgres/connector.ts";
import { PostgresDatabase } from "../postgres/postgres-database.ts";
import type { Session, Statement } from "../postgres/session.ts";
import type { StoreTarget } from "../postgres/store-url.ts";

/** Of one statement; those of a command run alone, on tables that may be large. */
export const TIMEOUT_MS = 60_000;

export type StoreConnection = {
  session: Session;
  database: PostgresDatabase;
  run(statement: Statement, values?: readonly unknown[]): ReturnType<Session["run"]>;
};

/** Lends a connection of its own, and the store's database, for as long as `use` takes. */
export async function withStore<T>(target: StoreTarget, use: (store: StoreConnection) => Promise<T>): Promise<T> {
  const connector = new Connector(target);
  const session = await connector.connect(TIMEOUT_MS);
  const database = new PostgresDatabase(target, { timeoutMs: TIMEOUT_MS });
  try {
    return await use({
      session,
      database,
      run: (statement, values = []) => session.run(statement, values, TIMEOUT_MS),
    });
  } finally {
    session.end();
    connector.close();
    await database.close();
  }
}
