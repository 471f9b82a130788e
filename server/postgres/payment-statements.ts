import type { PaymentKey, PaymentRow, TableMove } from "../payment-table/payment-table.ts";
import { arrayOf } from "./log-statements.ts";
import type { Row, Statement } from "./session.ts";

export const POSITIONS: Statement = {
  name: "table-positions",
  text: "SELECT partition, lsn FROM rinha.payment_position WHERE partition = ANY($1::int[])",
};

export const ROWS: Statement = {
  name: "table-rows",
  text: `
SELECT p.partition, p.sequence, p.correlation_id, p.payment_id, (p.amount * 100)::bigint AS cents, p.state, p.processor,
  extract(epoch FROM p.accepted_at) * 1000 AS accepted_ms, extract(epoch FROM p.requested_at) * 1000 AS requested_ms,
  extract(epoch FROM p.processed_at) * 1000 AS processed_ms, p.attempts
FROM unnest($1::int[], $2::bigint[]) AS k(partition, sequence)
JOIN rinha.payment p ON p.partition = k.partition AND p.sequence = k.sequence`,
};

const COLUMNS = `partition, sequence, correlation_id, payment_id, amount, state, processor, accepted_at, requested_at,
    processed_at, attempts`;
/** From eleven arrays, the first of which is parameter `first`. */
const fromArrays = (first: number): string => {
  const types = ["int", "bigint", "uuid", "uuid", "bigint", "text", "text"];
  const all = [...types, "float8", "float8", "float8", "smallint"].map((type, i) => `$${first + i}::${type}[]`);
  return `
  SELECT r.partition, r.sequence, r.correlation_id, r.payment_id, r.cents::numeric / 100, r.state, r.processor,
    to_timestamp(r.accepted_ms / 1000), to_timestamp(r.requested_ms / 1000), to_timestamp(r.processed_ms / 1000),
    r.attempts
  FROM unnest(${all.join(", ")}) AS r(partition, sequence, correlation_id, payment_id, cents, state, processor,
    accepted_ms, requested_ms, processed_ms, attempts)`;
};
const REPLACE = `
  ON CONFLICT (partition, sequence) DO UPDATE SET correlation_id = excluded.correlation_id,
    payment_id = excluded.payment_id, amount = excluded.amount, state = excluded.state, processor = excluded.processor,
    accepted_at = excluded.accepted_at, requested_at = excluded.requested_at, processed_at = excluded.processed_at,
    attempts = excluded.attempts`;

/**
 * A position moves only from where it was thought to be, and only then its rows are put. One that another moves at the
 * same time is waited for, and looked at again as that one left it.
 */
export const MOVE: Statement = {
  name: "table-move",
  text: `
WITH wanted AS (
  SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS w(partition, from_lsn, to_lsn)
), moved AS (
  UPDATE rinha.payment_position p SET lsn = w.to_lsn, moved_at = clock_timestamp() FROM wanted w
  WHERE p.partition = w.partition AND p.lsn = w.from_lsn RETURNING p.partition
), put AS (
  INSERT INTO rinha.payment (${COLUMNS})${fromArrays(4)}
  WHERE r.partition IN (SELECT partition FROM moved)${REPLACE}
)
SELECT partition FROM moved`,
};

export const PURGE: Statement = {
  text: `
WITH gone AS (
  DELETE FROM rinha.payment p USING (
    SELECT sequence FROM rinha.payment WHERE partition = $1 AND sequence < $2 ORDER BY sequence LIMIT $3
  ) AS first WHERE p.partition = $1 AND p.sequence = first.sequence RETURNING 1
)
SELECT count(*) AS count FROM gone`,
};

export const START: Statement = {
  text: "INSERT INTO rinha.payment_position (partition, lsn) VALUES ($1, 0) ON CONFLICT (partition) DO NOTHING",
};

export const BEGIN_MAKING: Statement = {
  text: `
INSERT INTO rinha.payment_position AS p (partition, lsn, epoch) VALUES ($1, NULL, $2)
ON CONFLICT (partition) DO UPDATE SET lsn = NULL, epoch = excluded.epoch, moved_at = now()
  WHERE p.epoch <= excluded.epoch
RETURNING partition`,
};

/** With the position's row locked, so that nobody else begins meanwhile. */
export const MAKE: Statement = {
  text: `
WITH own AS (
  SELECT partition FROM rinha.payment_position WHERE partition = $1 AND epoch = $2 AND lsn IS NULL FOR NO KEY UPDATE
), put AS (
  INSERT INTO rinha.payment (${COLUMNS})${fromArrays(3)}
  WHERE r.partition IN (SELECT partition FROM own)${REPLACE}
)
SELECT partition FROM own`,
};

/** Rows that the log does not know: those that it may have retained and dropped stay. */
export const END_MAKING: Statement = {
  text: `
WITH own AS (
  UPDATE rinha.payment_position SET lsn = $5, moved_at = clock_timestamp()
  WHERE partition = $1 AND epoch = $2 AND lsn IS NULL RETURNING partition
), gone AS (
  DELETE FROM rinha.payment p USING own WHERE p.partition = own.partition
    AND (p.sequence >= $4 OR p.sequence < $3 AND p.state NOT IN ('processed', 'failed'))
)
SELECT partition FROM own`,
};

export const LEAVE_TABLE: Statement = { text: "DELETE FROM rinha.payment_position WHERE partition = $1" };

/** The eleven arrays. */
export function rowArrays(rows: readonly PaymentRow[]): string[] {
  return [
    arrayOf(rows.map(({ partition }) => partition)),
    arrayOf(rows.map(({ sequence }) => sequence)),
    textsOf(rows.map(({ correlationId }) => correlationId)),
    textsOf(rows.map(({ paymentId }) => paymentId)),
    arrayOf(rows.map(({ cents }) => cents)),
    textsOf(rows.map(({ state }) => state)),
    textsOf(rows.map(({ processor }) => processor)),
    numbersOf(rows.map(({ acceptedAtMs }) => acceptedAtMs)),
    numbersOf(rows.map(({ requestedAtMs }) => requestedAtMs)),
    numbersOf(rows.map(({ processedAtMs }) => processedAtMs)),
    arrayOf(rows.map(({ attempts }) => attempts)),
  ];
}

export function moveValues(moves: readonly TableMove[]): string[] {
  return [
    arrayOf(moves.map(({ partition }) => partition)),
    arrayOf(moves.map(({ from }) => from)),
    arrayOf(moves.map(({ to }) => to)),
    ...rowArrays(moves.flatMap(({ rows }) => rows)),
  ];
}

export function keyArrays(keys: readonly PaymentKey[]): string[] {
  return [arrayOf(keys.map(({ partition }) => partition)), arrayOf(keys.map(({ sequence }) => sequence))];
}

export function rowFrom(row: Row): PaymentRow {
  const ms = (name: string): number | undefined => (row[name] === null ? undefined : Math.round(Number(row[name])));
  return {
    partition: row["partition"] as number,
    sequence: row["sequence"] as number,
    correlationId: row["correlation_id"] as string,
    paymentId: row["payment_id"] as string,
    cents: row["cents"] as number,
    state: row["state"] as string,
    processor: (row["processor"] as string | null) ?? undefined,
    acceptedAtMs: ms("accepted_ms")!,
    requestedAtMs: ms("requested_ms"),
    processedAtMs: ms("processed_ms"),
    attempts: row["attempts"] as number,
  };
}

function numbersOf(numbers: readonly (number | undefined)[]): string {
  return `{${numbers.map((number) => number ?? "NULL").join(",")}}`;
}

function textsOf(texts: readonly (string | undefined)[]): string {
  return `{${texts.map((text) => (text === undefined ? "NULL" : `"${text.replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
}
