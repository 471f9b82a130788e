import type { PostgresServer } from "../../postgres/postgres-server.ts";

/** What became of one load in the database. */
export type StoreLoad = {
  readonly appendsPerSecond: number;
  readonly recordsPerAppend: number;
  /** Chunks of one append: the partitions that had something to write. */
  readonly chunksPerAppend: number;
  /** By which the database has grown; its log for the standby is another matter. */
  readonly databaseBytes: number;
  /** Of the log for the standby. */
  readonly walBytes: number;
};

type Mark = { readonly heads: string; readonly databaseBytes: number; readonly wal: string };

const MARK = `SELECT (SELECT json_agg(json_build_object('number', number, 'head', head)) FROM rinha.partition)::text
  AS heads, pg_database_size(current_database())::float8 AS bytes, pg_current_wal_insert_lsn()::text AS wal`;

/** An append is one transaction, and so are its chunks: they have its number. */
const appendsSince = ({ heads, wal }: Mark): string => `SELECT count(*)::float8 AS chunks,
    count(DISTINCT c.xmin::text)::float8 AS appends, coalesce(sum(c.record_count), 0)::float8 AS records,
    pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '${wal}')::float8 AS wal_bytes
  FROM rinha.chunk c JOIN json_to_recordset('${heads}') AS h(number int, head bigint)
  ON c.partition = h.number AND c.first_lsn >= h.head`;

const UPDATES = `SELECT n_tup_hot_upd::float8 AS hot, n_tup_upd::float8 AS all FROM pg_stat_user_tables
  WHERE schemaname = 'rinha' AND relname = 'partition'`;

/** Reads the database's own account of a load. Its queries cost the server something: never during a load. */
export class StoreMeter {
  readonly #server: PostgresServer;
  #mark: Mark | undefined;

  constructor(server: PostgresServer) {
    this.#server = server;
  }

  /** What is counted from now on is the next load's. */
  async begin(): Promise<void> {
    this.#mark = await this.#read();
  }

  /** Of a load that took so long. Throws where nothing was appended: then the payments were kept elsewhere. */
  async end(elapsedMs: number): Promise<StoreLoad> {
    const before = this.#mark;
    if (before === undefined) throw new Error("a load must be begun to be ended: begun=false");
    const [row] = await this.#server.query(appendsSince(before));
    const { databaseBytes } = await this.#read();
    const { appends, chunks, records, wal_bytes } = row as Record<string, number>;
    if (!appends || !chunks || !records || !wal_bytes) throw new Error(`a load must be appended: appends=${appends}`);
    return {
      appendsPerSecond: (appends * 1000) / elapsedMs,
      recordsPerAppend: records / appends,
      chunksPerAppend: chunks / appends,
      databaseBytes: databaseBytes - before.databaseBytes,
      walBytes: wal_bytes,
    };
  }

  /**
   * Part of the updates of `partition`, of which there is one for each partition and append, that touched no index;
   * since the database was made. Complete once those who made them have gone: till then the server's account is late.
   */
  async hotShare(): Promise<number> {
    const [row] = await this.#server.query(UPDATES);
    const { hot, all } = row as Record<string, number>;
    if (hot === undefined || !all) throw new Error(`partitions must have been updated: updates=${all}`);
    return hot / all;
  }

  async #read(): Promise<Mark> {
    const [row] = await this.#server.query(MARK);
    return { heads: row!["heads"] as string, databaseBytes: row!["bytes"] as number, wal: row!["wal"] as string };
  }
}
