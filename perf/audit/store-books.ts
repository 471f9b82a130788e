import { setTimeout as pause } from "node:timers/promises";
import { Connector } from "../../server/postgres/connector.ts";
import { Lane } from "../../server/postgres/lane.ts";
import type { Row } from "../../server/postgres/session.ts";
import { readStoreUrl } from "../../server/postgres/store-url.ts";
import type { Books, LedgerEntry, ServiceTotals } from "./service-api.ts";
import type { Totals } from "./totals.ts";
import type { TimeWindow } from "./window.ts";

const CONNECTION_COUNT = 4;
const TIMEOUT_MS = 60_000;
const FOLLOW_PAUSE_MS = 100;

export type StoreOptions = {
  url: string;
  /** How long ago a payment was requested at least, by the store's clock, whose attempt is in the table for certain. */
  settleMs: number;
  /** How long the table may take to follow the logs. */
  followMs: number;
  /** Names of the processors that are audited. */
  processors: readonly string[];
};

const HEADS = {
  text: `
SELECT number, head, extract(epoch FROM clock_timestamp()) * 1000 AS now_ms FROM rinha.partition ORDER BY number`,
};
const POSITIONS = { text: "SELECT partition, lsn FROM rinha.payment_position" };
/** Since when something may be charged that the table does not say so of; NULL: nothing may. */
const OPEN_FROM = {
  text: `
SELECT extract(epoch FROM least(
  (SELECT min(requested_at) FROM rinha.payment WHERE state IN ('sending', 'in doubt')),
  (SELECT to_timestamp(min(lost_from_ms) / 1000) FROM rinha.partition WHERE is_restored))) * 1000 AS open_ms`,
};
const TOTALS = {
  text: `
SELECT processor, count(*) AS count, (sum(amount) * 100)::bigint::text AS cents FROM rinha.payment
WHERE state = 'processed' AND requested_at BETWEEN to_timestamp($1::float8 / 1000) AND to_timestamp($2::float8 / 1000)
GROUP BY processor`,
};
/** One that retention dropped may have been accepted a second time. */
const FIND = {
  text: `
SELECT (amount * 100)::bigint::text AS cents, state, processor, extract(epoch FROM requested_at) * 1000 AS requested_ms
FROM rinha.payment WHERE correlation_id = $1::uuid ORDER BY state = 'processed' DESC, accepted_at DESC LIMIT 1`,
};

/** The payments as the store has them as a table, up to where that was when it was opened. */
export class StoreBooks implements Books {
  readonly #connector: Connector;
  readonly #lane: Lane;
  readonly #options: StoreOptions;
  #settledUntilMs = 0;

  private constructor(options: StoreOptions) {
    this.#options = options;
    this.#connector = new Connector(readStoreUrl(options.url));
    this.#lane = new Lane(this.#connector, CONNECTION_COUNT, TIMEOUT_MS);
  }

  /** Waits until the table has all that the logs have now. Rejects where it does not follow. */
  static async open(options: StoreOptions): Promise<StoreBooks> {
    const books = new StoreBooks(options);
    try {
      await books.#follow();
      return books;
    } catch (error) {
      books.close();
      throw error;
    }
  }

  close(): void {
    this.#connector.close();
    this.#lane.close();
  }

  async windowTotals({ fromMs, toMs }: TimeWindow): Promise<ServiceTotals> {
    const rows = await this.#lane.run(TOTALS, [fromMs, toMs]);
    const none: Totals = { count: 0, cents: 0n };
    const processors: Record<string, Totals> = Object.fromEntries(this.#options.processors.map((name) => [name, none]));
    for (const { processor, count, cents } of rows)
      processors[processor as string] = { count: count as number, cents: BigInt(cents as string) };
    return { processors, settledUntilMs: this.#settledUntilMs };
  }

  async find(correlationId: string): Promise<LedgerEntry | undefined> {
    const [row] = await this.#lane.run(FIND, [correlationId]);
    if (row === undefined) return undefined;
    return {
      correlationId,
      cents: BigInt(row["cents"] as string),
      state: row["state"] as string,
      processor: row["processor"] as string | null,
      requestedAtMs: msOf(row["requested_ms"]),
    };
  }

  async #follow(): Promise<void> {
    const untilMs = performance.now() + this.#options.followMs;
    const heads = await this.#lane.run(HEADS);
    for (;;) {
      const behind = await this.#behind(heads);
      if (behind === undefined) break;
      if (performance.now() > untilMs) throw new Error(`the payment table must follow the logs: ${behind}`);
      await pause(FOLLOW_PAUSE_MS);
    }
    const [row] = await this.#lane.run(OPEN_FROM);
    const nowMs = Math.floor(Number(heads[0]!["now_ms"])) - this.#options.settleMs;
    this.#settledUntilMs = Math.min(nowMs, msOf(row!["open_ms"]) ?? Number.POSITIVE_INFINITY);
  }

  /** The first partition whose table is not where its log was. */
  async #behind(heads: readonly Row[]): Promise<string | undefined> {
    const positions = new Map((await this.#lane.run(POSITIONS)).map(({ partition, lsn }) => [partition, lsn]));
    for (const { number, head } of heads) {
      const lsn = positions.get(number) as number | null | undefined;
      // A log without records needs no table.
      if (typeof lsn === "number" ? lsn >= (head as number) : head === 0) continue;
      const where = lsn === undefined ? "is not kept up: PAYMENT_TABLE=false, or no carrier yet" : `is at lsn=${lsn}`;
      return `partition=${(number as number) + 1} head=${head}, the table ${where}`;
    }
    return undefined;
  }
}

function msOf(value: unknown): number | null {
  return value === null ? null : Math.round(Number(value));
}
