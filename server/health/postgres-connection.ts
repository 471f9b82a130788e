import type { Client } from "pg";
import { PostgresPollTable, type Query } from "./postgres-poll-table.ts";
import type { ProcessorKey } from "./processor-key.ts";
import type { TableConnection } from "./table-register.ts";

const CONNECT_MS_MAX = 3000;
/** Bounds a read, too; commands of the register have a bound of their own. */
const QUERY_MS_MAX = 2000;

/** A connection of the health monitor's own, in its thread. The client's code is loaded now, not before. */
export function connectPostgres(
  storeUrl: string,
  processors: readonly ProcessorKey[],
  onLost: (error: unknown) => void,
): TableConnection {
  let client: Client | undefined;
  let isClosed = false;
  const connect = async (): Promise<void> => {
    const { default: pg } = await import("pg");
    if (isClosed) return;
    client = new pg.Client({
      connectionString: storeUrl,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: QUERY_MS_MAX,
      application_name: "rinha-health",
    });
    client.on("error", onLost);
    client.on("end", () => onLost("ended"));
    await client.connect();
  };
  // One statement at a time: the client would queue the others, too, but not for long any more.
  let last: Promise<unknown> = Promise.resolve();
  const query: Query = (text, values) => {
    const answer = last.then(() => client!.query(text, [...values]));
    last = answer.catch(() => {});
    return answer;
  };
  return {
    ready: connect(),
    table: new PostgresPollTable(query, processors),
    close: () => {
      isClosed = true;
      // A polite end, which a connection that hangs never comes to: the stream is ended as well.
      void client?.end().catch(() => {});
      (client as unknown as { connection?: { stream: { destroy(): void } } })?.connection?.stream.destroy();
    },
  };
}
