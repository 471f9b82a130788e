import type { Logger } from "pino";
import type { Database } from "../lease/database.ts";
import type { ProjectedLog, Projection } from "../lease/projection.ts";
import { Backoff } from "../system/backoff.ts";
import type { Time, Timer } from "../system/time.ts";
import { EpochNames, LogPiece } from "./log-piece.ts";
import type { PaymentRow, PaymentTable, TablePosition } from "./payment-table.ts";
import { makeRows } from "./table-making.ts";

/** Between looks at what has been written: statements cost, not payments. */
const EVERY_MS = 1000;
/** Of one partition's log at a time, and of all in one statement: some thousand records. */
const PIECE_BYTES = 48 * 1024;
const STATEMENT_BYTES = 128 * 1024;
/** Between statements while the table is far behind. */
const PAUSE_MS = 5;
const PURGED_AT_ONCE = 5000;

export type ProjectorParts = { database: Database; table: PaymentTable; time: Time; logger: Logger };

type Carried = { log: ProjectedLog; position: number | undefined };

/**
 * Keeps the payment table up for the partitions that this instance carries, a little behind their logs:
 *
 *   look ──► where is the table? ──► read the logs from there ──► rows needed ──► records applied ──► rows and
 *    ▲                                                                                           positions moved
 *    └── a second, or at once while there is more ◄────────────────────────────────────────────────────┘
 *
 * It reads what is committed, and moves only from where the table is: so whoever else does the same, because it was
 * stopped past its lease, does no harm.
 */
export class PaymentProjector implements Projection {
  readonly #parts: ProjectorParts;
  readonly #names: EpochNames;
  readonly #carried = new Map<number, Carried>();
  readonly #backoff = new Backoff();
  readonly #closing = new AbortController();
  #timer: Timer | undefined;
  #pass: Promise<void> = Promise.resolve();
  #isPassing = false;

  constructor(parts: ProjectorParts) {
    this.#parts = parts;
    this.#names = new EpochNames(parts.database);
  }

  begin(log: ProjectedLog): void {
    this.#carried.set(log.partition, { log, position: undefined });
    if (this.#timer === undefined && !this.#isPassing) this.#later();
  }

  async end(partition: number): Promise<void> {
    this.#carried.delete(partition);
    this.#names.forget(partition);
    if (this.#carried.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#carried.clear();
    this.#timer?.cancel();
    this.#closing.abort();
    await this.#pass;
  }

  #later(): void {
    this.#timer = this.#parts.time.after(EVERY_MS, () => {
      this.#timer = undefined;
      this.#pass = this.#passSafely();
    });
  }

  async #passSafely(): Promise<void> {
    this.#isPassing = true;
    if (this.#backoff.mayTry(this.#parts.time.monotonicMs())) await this.#tryPass();
    this.#isPassing = false;
    if (this.#carried.size > 0 && !this.#closing.signal.aborted) this.#later();
  }

  async #tryPass(): Promise<void> {
    const { time, logger } = this.#parts;
    try {
      await this.#findPositions();
      while (await this.#moveSome()) await time.pause(PAUSE_MS);
      if (this.#backoff.isFailing) logger.info("the payment table follows again");
      this.#backoff.worked();
    } catch (error) {
      for (const carried of this.#carried.values()) carried.position = undefined;
      if (this.#closing.signal.aborted) return;
      if (!this.#backoff.isFailing) logger.error({ err: error }, "the payment table cannot follow: logs are kept");
      this.#backoff.failed(time.monotonicMs());
    }
  }

  async #findPositions(): Promise<void> {
    const unknown = [...this.#carried.values()].filter(({ position }) => position === undefined);
    if (unknown.length === 0) return;
    const positions = await this.#parts.table.positions(unknown.map(({ log }) => log.partition));
    for (const carried of unknown) await this.#findPosition(carried, positions.get(carried.log.partition));
  }

  async #findPosition(carried: Carried, found: TablePosition | undefined): Promise<void> {
    const { database, table } = this.#parts;
    const { partition } = carried.log;
    if (typeof found === "number") carried.position = found;
    else if (found === undefined && (await database.outline(partition)).checkpoint === undefined) {
      await table.start(partition);
      carried.position = 0;
    } else await this.#make(carried);
  }

  async #make(carried: Carried): Promise<void> {
    const { partition, epoch } = carried.log;
    carried.position = await makeRows(this.#parts, partition, epoch, this.#closing.signal);
    if (carried.position === undefined) return;
    const fields = { partition: partition + 1, lsn: carried.position };
    this.#parts.logger.info(fields, "the payment table's rows of a partition are made of its checkpoint");
  }

  /** True when there is more. */
  async #moveSome(): Promise<boolean> {
    const pieces = await this.#readPieces();
    if (pieces.length === 0) return false;
    await this.#applyAll(pieces);
    const { table } = this.#parts;
    for (const { partition, fold } of pieces) await this.#purge(partition, fold.purgedBefore);
    const moves = pieces.map(({ partition, from, to, fold }) => ({ partition, from, to, rows: fold.changed }));
    const moved = new Set(await table.move(moves));
    for (const { partition, to } of pieces) {
      const carried = this.#carried.get(partition);
      if (carried) carried.position = moved.has(partition) ? to : undefined;
    }
    return moved.size === pieces.length;
  }

  /** By turns, as much as one statement takes: those that come first here come last the next time. */
  async #readPieces(): Promise<LogPiece[]> {
    const pieces: LogPiece[] = [];
    let bytes = 0;
    for (const [partition, carried] of [...this.#carried]) {
      const { position, log } = carried;
      if (position === undefined || log.writtenLsn <= position) continue;
      if (bytes >= STATEMENT_BYTES) break;
      const parts = { ...this.#parts, names: this.#names };
      const piece = await LogPiece.read(parts, partition, position, PIECE_BYTES);
      if (piece === "gap") await this.#make(carried);
      if (!(piece instanceof LogPiece)) continue;
      pieces.push(piece);
      bytes += piece.bytes;
      if (this.#carried.delete(partition)) this.#carried.set(partition, carried);
    }
    return pieces;
  }

  async #applyAll(pieces: readonly LogPiece[]): Promise<void> {
    const { table, logger } = this.#parts;
    const byPartition = new Map(pieces.map((piece) => [piece.partition, piece]));
    const needed = pieces.flatMap(({ partition, fold }) =>
      [...fold.needed].map((sequence) => ({ partition, sequence })),
    );
    const rows: readonly PaymentRow[] = needed.length === 0 ? [] : await table.rows(needed);
    for (const row of rows) byPartition.get(row.partition)!.fold.put(row);
    for (const piece of pieces) {
      await piece.apply();
      const { partition, fold } = piece;
      const fields = { partition: partition + 1, records: fold.unknownCount };
      if (fold.unknownCount > 0)
        logger.warn(fields, "payments that are not settled must stay in the payment table: records without a row");
    }
  }

  async #purge(partition: number, before: number): Promise<void> {
    if (before === 0) return;
    while ((await this.#parts.table.purge(partition, before, PURGED_AT_ONCE)) === PURGED_AT_ONCE);
  }
}
