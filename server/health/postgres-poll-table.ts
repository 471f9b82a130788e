import type { PollResult } from "../meters/poll-report.ts";
import { NEWS_MS_MAX, type PollNews } from "./poll-register.ts";
import type { ProcessorKey } from "./processor-key.ts";

/**
 * A right that is to last for more than a minute was given by another clock: it was set back, or a standby was promoted
 * whose clock is behind. Then the row begins anew, with a right that nobody has. The row's lock is waited for before
 * its times are looked at.
 */
const TAKE = `
INSERT INTO rinha.health AS h (processor, url_hash, holder, until)
VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
ON CONFLICT (processor, url_hash) DO UPDATE SET
  holder = CASE WHEN h.until <= clock_timestamp() THEN $3 ELSE '' END,
  until = clock_timestamp() + $4 * interval '1 millisecond'
WHERE h.until <= clock_timestamp() OR h.until > clock_timestamp() + interval '1 minute'
RETURNING holder`;

const KEEP = `
UPDATE rinha.health SET until = clock_timestamp() + $4 * interval '1 millisecond'
WHERE processor = $1 AND url_hash = $2 AND holder = $3`;

const TELL = `
UPDATE rinha.health SET
  until = clock_timestamp() + $4 * interval '1 millisecond',
  told_by = $3, failing = $5, min_response_ms = $6, polled_at = clock_timestamp()
WHERE processor = $1 AND url_hash = $2 AND holder = $3`;

const LATEST = `
SELECT processor, url_hash, told_by, failing, min_response_ms,
  greatest(0, extract(epoch FROM clock_timestamp() - polled_at) * 1000)::float8 AS age_ms
FROM rinha.health
WHERE (processor, url_hash) IN (SELECT * FROM unnest($1::text[], $2::text[]))
  AND polled_at > clock_timestamp() - $3 * interval '1 millisecond'`;

type Row = {
  processor: string;
  url_hash: string;
  told_by: string;
  failing: boolean;
  min_response_ms: number;
  age_ms: number;
};

/** One statement, and its rows. */
export type Query = (text: string, values: readonly unknown[]) => Promise<{ rows: readonly unknown[] }>;

/** The statements about `rinha.health`, the store's table. Rejects as the query does. Rights last a minute at most. */
export class PostgresPollTable {
  readonly #query: Query;
  readonly #processors: readonly ProcessorKey[];

  constructor(query: Query, processors: readonly ProcessorKey[]) {
    this.#query = query;
    this.#processors = processors;
  }

  async tryTake(processor: number, token: string, forMs: number): Promise<boolean> {
    const { rows } = await this.#query(TAKE, [...this.#keyOf(processor), token, forMs]);
    return (rows as { holder: string }[])[0]?.holder === token;
  }

  async keep(processor: number, token: string, forMs: number, result?: PollResult): Promise<void> {
    const values = [...this.#keyOf(processor), token, forMs];
    if (result === undefined) await this.#query(KEEP, values);
    else await this.#query(TELL, [...values, result.failing, Math.round(result.minResponseMs)]);
  }

  /** What is not too old, of all processors. */
  async latest(): Promise<{ processor: number; news: PollNews }[]> {
    const names = this.#processors.map(({ name }) => name);
    const hashes = this.#processors.map(({ urlHash }) => urlHash);
    const { rows } = await this.#query(LATEST, [names, hashes, NEWS_MS_MAX]);
    return (rows as Row[]).map((row) => ({
      processor: this.#processors.findIndex(({ name, urlHash }) => name === row.processor && urlHash === row.url_hash),
      news: {
        token: row.told_by,
        result: { failing: row.failing, minResponseMs: row.min_response_ms },
        ageMs: row.age_ms,
      },
    }));
  }

  #keyOf(processor: number): [string, string] {
    const { name, urlHash } = this.#processors[processor]!;
    return [name, urlHash];
  }
}
