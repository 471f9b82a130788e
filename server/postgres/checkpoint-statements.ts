import type { Statement } from "./session.ts";

/** A claim or raise that comes meanwhile makes `finish` say that the epoch is over, so nothing is locked here. */
export const BEGIN_CHECKPOINT: Statement = {
  text: `
INSERT INTO rinha.checkpoint (partition, epoch, lsn, latest_ms)
SELECT number, epoch, $3::bigint, $4::double precision FROM rinha.partition WHERE number = $1 AND epoch = $2
RETURNING number`,
};

/** Said again after an answer that was lost, it is the same. */
export const PUT_SLICE: Statement = {
  text: `
WITH begun AS (
  SELECT number FROM rinha.checkpoint WHERE number = $2 AND partition = $1 AND NOT is_finished FOR SHARE
)
INSERT INTO rinha.slice (checkpoint, index, records) SELECT number, $3::int, $4::bytea FROM begun
ON CONFLICT (checkpoint, index) DO UPDATE SET records = excluded.records
RETURNING checkpoint`,
};

export const FINISH_CHECKPOINT: Statement = {
  text: "SELECT rinha.finish_checkpoint($1, $2, $3, $4, $5) AS is_finished",
};

/** In a transaction of its own: nothing waits for it, and what it leaves `tidy` finds. */
export const DROP_EARLIER: Statement = {
  text: "DELETE FROM rinha.checkpoint WHERE partition = $1 AND number < $2",
};

/** A read has at most so many slices. */
const SLICES_MAX = 1024;

export const SLICES: Statement = {
  text: `
SELECT records FROM (
  SELECT *, row_number() OVER w AS place, sum(octet_length(records)) OVER w AS bytes FROM (
    SELECT s.* FROM rinha.slice s JOIN rinha.checkpoint k ON k.number = s.checkpoint
    WHERE s.checkpoint = $2 AND k.partition = $1 AND s.index >= $3 ORDER BY s.index LIMIT ${SLICES_MAX}
  ) AS following
  WINDOW w AS (ORDER BY index ROWS UNBOUNDED PRECEDING)
) AS counted
WHERE place = 1 OR bytes <= $4::bigint ORDER BY index`,
};

/** Checkpoints that a later one replaced, and those that can never be finished. Their slices go with them. */
export const DROP_ABANDONED: Statement = {
  text: `
DELETE FROM rinha.checkpoint c USING rinha.partition p
WHERE p.number = c.partition AND (c.number < p.checkpoint OR NOT c.is_finished AND (c.epoch <> p.epoch OR EXISTS (
  SELECT FROM rinha.checkpoint later WHERE later.partition = c.partition AND later.number > c.number)))`,
};

/** Those by which no record goes that a checkpoint or chunk still has: epochs never go back along a log. */
export const DROP_CARRIAGES: Statement = {
  text: `
DELETE FROM rinha.carriage g USING rinha.partition p
WHERE g.partition = p.number AND g.epoch < least(p.epoch,
  (SELECT k.epoch FROM rinha.checkpoint k WHERE k.number = p.checkpoint),
  (SELECT c.epoch FROM rinha.chunk c WHERE c.partition = p.number ORDER BY c.first_lsn LIMIT 1))`,
};
