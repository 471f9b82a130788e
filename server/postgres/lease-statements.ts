import type { Census, Owner } from "../lease/database.ts";
import type { Row, Statement } from "./session.ts";

export const JOIN: Statement = { text: "SELECT rinha.join_member($1, $2, $3, $4) AS taken" };

/**
 * Meets with `expel` at the member's row: whoever is first has it. The census is as of the beginning of the statement,
 * but for the own renewal. Of the replication, a role that may not see it is told only that there is some.
 */
export const RENEW: Statement = {
  name: "renew",
  text: `
WITH renewed AS (
  UPDATE rinha.member SET renewal = $2, renewed_at = clock_timestamp() WHERE life = $1 RETURNING life
)
SELECT EXISTS (SELECT FROM renewed) AS is_member,
  (SELECT coalesce(json_agg(json_build_object('number', number, 'life', life, 'address', address,
    'renewal', CASE WHEN life = $1 THEN $2 ELSE renewal END) ORDER BY number), '[]'::json)
    FROM rinha.member) AS members,
  (SELECT json_agg(CASE WHEN life IS NOT NULL THEN json_build_object('life', life, 'since', since) END
    ORDER BY number) FROM rinha.partition) AS owners,
  current_setting('synchronous_standby_names') <> ''
    AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS is_asked_for,
  pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS may_see,
  (SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))
    AS sync_count`,
};

export function censusOf(row: Row): Census {
  const owners = row["owners"] as (Owner | null)[];
  return {
    members: row["members"] as Census["members"],
    owners: owners.map((owner) => owner ?? undefined),
    standbys: {
      isAskedFor: row["is_asked_for"] === true,
      syncCount: row["may_see"] === true ? (row["sync_count"] as number) : undefined,
    },
  };
}

/**
 * Waits for nobody. A row that is locked is being renewed or expelled at this moment: not gone, as far as this one
 * knows. A renewal that was committed since the snapshot shows when the row is locked, and does not match any more.
 */
export const EXPEL: Statement = {
  text: `
WITH lapsed AS (
  SELECT life FROM rinha.member WHERE life = $1 AND renewal = $2 FOR UPDATE SKIP LOCKED
), gone AS (
  DELETE FROM rinha.member m USING lapsed WHERE m.life = lapsed.life RETURNING m.life
)
SELECT EXISTS (SELECT FROM gone) OR NOT EXISTS (SELECT FROM rinha.member WHERE life = $1) AS is_gone`,
};

export const LEAVE: Statement = { text: "SELECT rinha.leave($1)" };

export const CLAIM: Statement = { text: "SELECT rinha.claim($1, $2, $3::text[], $4) AS claimed" };

/** A claim has another `since`, so a release that comes late finds nothing. */
export const RELEASE: Statement = { text: "UPDATE rinha.partition SET life = NULL WHERE number = $1 AND since = $2" };

export const HALT: Statement = { text: "UPDATE rinha.partition SET halted = $3 WHERE number = $1 AND since = $2" };

export const END_RESTORED: Statement = {
  text: `
UPDATE rinha.partition SET is_restored = false, lost_from_ms = NULL, restored_since_ms = NULL
WHERE number = $1 AND since = $2 AND life IS NOT NULL`,
};

export const OUTLINE: Statement = { text: "SELECT rinha.outline($1) AS outline" };
