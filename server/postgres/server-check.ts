import type { Row, Statement } from "./session.ts";

/** What the server is, as far as it matters to what is acknowledged. */
export type ServerReport = {
  version: string;
  settings: Readonly<Record<(typeof SETTINGS)[number], string>>;
  /** Why it must not be used: it loses what it has acknowledged. */
  refusals: readonly string[];
  /** What an operator should know. */
  warnings: readonly string[];
  /** Undefined where the role may not see them. */
  standbys: readonly Standby[] | undefined;
};

export type Standby = { name: string; state: string; syncState: string; lagBytes: number };

const VERSION_MIN = 140_000;
const SETTINGS = [
  ...(["server_version", "server_version_num", "fsync", "full_page_writes", "synchronous_commit"] as const),
  ...(["synchronous_standby_names", "data_checksums", "max_connections"] as const),
] as const;

const READ_SETTINGS: Statement = {
  text: `
SELECT json_object_agg(name, setting) AS settings, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_see
FROM pg_settings WHERE name = ANY(ARRAY[${SETTINGS.map((name) => `'${name}'`).join(", ")}])`,
};

const READ_STANDBYS: Statement = {
  text: `
SELECT application_name AS name, coalesce(state, '') AS state, coalesce(sync_state, '') AS sync_state,
  coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn), 0)::float8 AS lag_bytes
FROM pg_stat_replication ORDER BY application_name`,
};

/** Looks, and changes nothing. Rejects where the server does not answer. */
export async function checkServer(run: (statement: Statement) => Promise<Row[]>): Promise<ServerReport> {
  const [row] = await run(READ_SETTINGS);
  const settings = row!["settings"] as ServerReport["settings"];
  const standbys = row!["may_see"] === true ? (await run(READ_STANDBYS)).map(standbyOf) : undefined;
  return {
    version: settings.server_version,
    settings,
    refusals: refusalsOf(settings),
    warnings: warningsOf(settings, standbys),
    standbys,
  };
}

function standbyOf(row: Row): Standby {
  const { name, state, sync_state: syncState, lag_bytes: lagBytes } = row;
  return { name, state, syncState, lagBytes } as Standby;
}

function refusalsOf(settings: ServerReport["settings"]): string[] {
  const refusals: string[] = [];
  if (Number(settings.server_version_num) < VERSION_MIN)
    refusals.push(`PostgreSQL must be 14 or newer: server_version=${settings.server_version}`);
  if (settings.fsync === "off") refusals.push("a crash of the machine loses everything: fsync=off");
  if (settings.synchronous_commit === "off")
    refusals.push("a crash of the server loses what was acknowledged: synchronous_commit=off");
  return refusals;
}

/** A standby that has a commit in memory only, or nothing at all, is not what was asked for. */
const WEAK: readonly string[] = ["off", "local", "remote_write"];

function warningsOf(settings: ServerReport["settings"], standbys: readonly Standby[] | undefined): string[] {
  const warnings: string[] = [];
  const isAskedFor = settings.synchronous_standby_names !== "";
  if (settings.full_page_writes === "off")
    warnings.push("safe only on a file system that never tears a page: full_page_writes=off");
  if (isAskedFor && WEAK.includes(settings.synchronous_commit))
    warnings.push(
      "a failover may lose what was acknowledged, although standbys are asked for: " +
        `synchronous_commit=${settings.synchronous_commit}`,
    );
  if (!isAskedFor)
    warnings.push("acknowledged payments are on one machine only, and are lost with it: synchronous_standby_names=");
  if (standbys === undefined)
    warnings.push("the role may not see the standbys: GRANT pg_monitor TO it: pg_read_all_stats=no");
  else if (isAskedFor && !standbys.some(({ syncState }) => syncState === "sync" || syncState === "quorum"))
    warnings.push("every commit waits for a standby that is not there: synchronous=0");
  return warnings;
}
