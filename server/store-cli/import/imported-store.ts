import type { Row } from "../../postgres/session.ts";
import type { StoreConnection } from "../store-connection.ts";

/** How far an import is, as the store has it; "unknown": it has begun with something else. */
export type ImportState = "under way" | "done" | "unknown";

const STORE = { text: "SELECT importing, imported FROM rinha.store" };
const LOCK_STORE = { text: "SELECT imported FROM rinha.store FOR NO KEY UPDATE" };
/** Also where another import was broken off before it had moved anything: it cannot go on then. */
const IS_EMPTY = {
  text: `
SELECT NOT EXISTS (SELECT FROM rinha.partition WHERE head > 0 OR epoch > 0 OR checkpoint IS NOT NULL)
  AND NOT EXISTS (SELECT FROM rinha.member) AS is_empty`,
};
const HALT_ALL = { text: "UPDATE rinha.partition SET halted = $1" };
const FREE_ALL = { text: "UPDATE rinha.partition SET halted = NULL" };
const BEGIN_IMPORT = { text: "UPDATE rinha.store SET importing = $1" };
const END_IMPORT = { text: "UPDATE rinha.store SET importing = NULL, imported = importing" };

export async function importState({ run }: StoreConnection, id: string): Promise<ImportState> {
  const [row] = await run(STORE);
  if (row!["importing"] === id) return "under way";
  return row!["imported"] === id ? "done" : "unknown";
}

/** Nobody can claim a partition from here until `endImport`. False, with nothing changed, unless the store is empty. */
export function beginImport({ run }: StoreConnection, id: string): Promise<boolean> {
  return inTransaction(run, async () => {
    const [row] = await run(LOCK_STORE);
    const [there] = await run(IS_EMPTY);
    if (row!["imported"] !== null || there!["is_empty"] !== true) return false;
    await run(BEGIN_IMPORT, [id]);
    await run(HALT_ALL, ["an import is not finished: say npm run store -- import again, with the same directory"]);
    return true;
  });
}

/** The partitions may be claimed from here on. */
export function endImport({ run }: StoreConnection): Promise<void> {
  return inTransaction(run, async () => {
    await run(END_IMPORT);
    await run(FREE_ALL);
  });
}

async function inTransaction<T>(run: StoreConnection["run"], body: () => Promise<T>): Promise<T> {
  await run({ text: "BEGIN" });
  try {
    const result = await body();
    await run({ text: "COMMIT" });
    return result;
  } catch (error) {
    await run({ text: "ROLLBACK" }).catch((): Row[] => []);
    throw error;
  }
}
