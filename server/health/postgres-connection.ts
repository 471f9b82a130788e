import type { Session } from "../postgres/session.ts";
import { PostgresPollTable, type Query } from "./postgres-poll-table.ts";
import type { ProcessorKey } from "./processor-key.ts";
import type { TableConnection } from "./table-register.ts";

/** Bounds a read, too; commands of the register have a bound of their own. */
const QUERY_MS_MAX = 2000;

/**
 * A connection of the health monitor's own, in its thread, to whichever server is the primary now. The client's code is
 * loaded now, not before. That it was lost shows when it is used next: about once a second.
 */
export function connectPostgres(storeUrl: string, processors: readonly ProcessorKey[]): TableConnection {
  let session: Session | undefined;
  let close = (): void => {};
  let isClosed = false;
  const connect = async (): Promise<void> => {
    const { Connector } = await import("../postgres/connector.ts");
    const { readStoreUrl } = await import("../postgres/store-url.ts");
    if (isClosed) return;
    const connector = new Connector(readStoreUrl(storeUrl));
    close = () => connector.close();
    session = await connector.connect(QUERY_MS_MAX);
    if (isClosed) session.end();
  };
  // One statement at a time.
  let last: Promise<unknown> = Promise.resolve();
  const query: Query = (text, values) => {
    const answer = last.then(async () => ({ rows: await session!.run({ text }, values, QUERY_MS_MAX) }));
    last = answer.catch(() => {});
    return answer;
  };
  return {
    ready: connect(),
    table: new PostgresPollTable(query, processors),
    close: () => {
      isClosed = true;
      close();
      session?.end();
    },
  };
}
