import type { Append } from "../lease/database.ts";
import type { Statement } from "./session.ts";

/**
 * All partitions of an instance at once. A partition's row is updated only if epoch and head are as they should be, and
 * only then its chunk is there: the chunks are made of the rows that were updated. An update that had to wait for
 * another transaction looks at the row again, as that one left it. The records come as one parameter, in binary.
 * The generation cannot be dropped before its rows are there: the statement locks the table of chunks before it takes
 * its snapshot, and a drop would wait for that. Hot: planned once for each connection.
 */
export const APPEND: Statement = {
  name: "append",
  text: `
WITH wanted AS (
  SELECT * FROM unnest($1::int[], $2::int[], $3::bigint[], $4::int[], $5::int[], $6::int[])
    AS w(number, epoch, lsn, record_count, byte_at, byte_count)
), moved AS (
  UPDATE rinha.partition p SET head = w.lsn + w.record_count FROM wanted w
  WHERE p.number = w.number AND p.epoch = w.epoch AND p.head = w.lsn
  RETURNING w.*
), written AS (
  INSERT INTO rinha.chunk (generation, partition, first_lsn, epoch, record_count, records)
  SELECT (SELECT max(number) FROM rinha.generation), number, lsn, epoch, record_count,
    substring($7::bytea FROM byte_at + 1 FOR byte_count)
  FROM moved
)
SELECT number FROM moved ORDER BY number`,
};

/** The parameters of APPEND. Throws where a partition comes twice: then only one of the two would be written. */
export function appendValues(appends: readonly Append[]): unknown[] {
  const sorted = [...appends].sort((a, b) => a.partition - b.partition);
  let byteCount = 0;
  const starts = sorted.map(({ partition, records }, i) => {
    if (sorted[i + 1]?.partition === partition)
      throw new Error(`an append has each partition once: partition=${partition}`);
    byteCount += records.length;
    return byteCount - records.length;
  });
  return [
    arrayOf(sorted.map(({ partition }) => partition)),
    arrayOf(sorted.map(({ epoch }) => epoch)),
    arrayOf(sorted.map(({ lsn }) => lsn)),
    arrayOf(sorted.map(({ recordCount }) => recordCount)),
    arrayOf(starts),
    arrayOf(sorted.map(({ records }) => records.length)),
    Buffer.concat(sorted.map(({ records }) => records)),
  ];
}

export const RAISE: Statement = { name: "raise", text: "SELECT rinha.raise_epochs($1::int[], $2::int[]) AS raised" };

export const EPOCHS: Statement = {
  name: "epochs",
  text: "SELECT json_agg(epoch ORDER BY number) AS epochs FROM rinha.partition",
};

/** A read has at most so many chunks, so that finding out which fit is bounded too. */
const CHUNKS_MAX = 4096;

/** What is counted are lengths, which the table has without the records themselves. */
export const CHUNKS: Statement = {
  name: "chunks",
  text: `
SELECT first_lsn AS lsn, epoch, record_count, records FROM (
  SELECT *, row_number() OVER w AS place, sum(octet_length(records)) OVER w AS bytes FROM (
    SELECT * FROM rinha.chunk
    WHERE partition = $1 AND first_lsn + record_count > $2::bigint AND first_lsn >= coalesce(
      (SELECT max(first_lsn) FROM rinha.chunk WHERE partition = $1 AND first_lsn <= $2::bigint), 0)
    ORDER BY first_lsn LIMIT ${CHUNKS_MAX}
  ) AS following
  WINDOW w AS (ORDER BY first_lsn ROWS UNBOUNDED PRECEDING)
) AS counted
WHERE place = 1 OR bytes <= $3::bigint ORDER BY first_lsn`,
};

export const NAMES: Statement = { text: "SELECT epoch, processors FROM rinha.carriage WHERE partition = $1" };

/** As text, for `int[]` and `bigint[]`. */
export function arrayOf(numbers: readonly number[]): string {
  return `{${numbers.join(",")}}`;
}
