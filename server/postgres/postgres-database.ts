import {
  type Append,
  type Census,
  type CheckpointHead,
  type CheckpointSize,
  type Chunk,
  type Claimant,
  type Claimed,
  type Database,
  type Layout,
  type Member,
  type NewMember,
  NotDoneError,
  type Outline,
  type Raised,
  type Tenure,
  UnknownError,
} from "../lease/database.ts";
import * as Checkpoints from "./checkpoint-statements.ts";
import { Connector } from "./connector.ts";
import { tidy } from "./generations.ts";
import { Lane } from "./lane.ts";
import { readLayout } from "./layout.ts";
import * as Leases from "./lease-statements.ts";
import * as Logs from "./log-statements.ts";
import { claimedOf, outlineOf } from "./outline.ts";
import { PostgresPaymentTable } from "./postgres-payment-table.ts";
import { checkServer, type ServerReport } from "./server-check.ts";
import type { Row, Statement } from "./session.ts";
import type { StoreTarget } from "./store-url.ts";

export type PostgresOptions = {
  /** Size of a generation of chunks, about: what is dropped at once. */
  generationBytesMax?: number;
  /** How long an append, a raise, or what concerns the lease may take; then its connection is given up. */
  hotTimeoutMs?: number;
  /** The same of everything else. */
  timeoutMs?: number;
};

const GENERATION_BYTES_MAX = 256 * 1024 * 1024;
const HOT_TIMEOUT_MS = 5000;
const TIMEOUT_MS = 10_000;
const POOL_SIZE = 4;

/**
 * The database of a store by lease on PostgreSQL 14 or newer. Nothing waits behind what may be slow: appends have a
 * connection, the lease another one, and all else a few. Connects when it is first asked something.
 */
export class PostgresDatabase implements Database {
  readonly #connector: Connector;
  readonly #appends: Lane;
  readonly #leases: Lane;
  readonly #pool: Lane;
  readonly #generationBytesMax: number;

  constructor(target: StoreTarget, options: PostgresOptions = {}) {
    const { hotTimeoutMs = HOT_TIMEOUT_MS, timeoutMs = TIMEOUT_MS } = options;
    this.#generationBytesMax = options.generationBytesMax ?? GENERATION_BYTES_MAX;
    this.#connector = new Connector(target);
    this.#appends = new Lane(this.#connector, 1, hotTimeoutMs);
    this.#leases = new Lane(this.#connector, 1, hotTimeoutMs);
    this.#pool = new Lane(this.#connector, POOL_SIZE, timeoutMs);
  }

  /** What the server is, and whether what it acknowledges can be lost. */
  checkServer(): Promise<ServerReport> {
    return checkServer((statement) => this.#read(statement, []));
  }

  layout(): Promise<Layout> {
    return readLayout((statement) => this.#read(statement, []));
  }

  async join({ number, life, address, renewal }: NewMember): Promise<"joined" | Member> {
    const [row] = await this.#leases.run(Leases.JOIN, [number, life, address, renewal]);
    return (row!["taken"] as Member | null) ?? "joined";
  }

  async renew(life: string, renewal: string): Promise<Census | "expelled"> {
    const [row] = await this.#leases.run(Leases.RENEW, [life, renewal]);
    return row!["is_member"] === true ? Leases.censusOf(row!) : "expelled";
  }

  async expel(life: string, renewal: string): Promise<boolean> {
    const [row] = await this.#leases.run(Leases.EXPEL, [life, renewal]);
    return row!["is_gone"] === true;
  }

  async leave(life: string): Promise<void> {
    await this.#leases.run(Leases.LEAVE, [life]);
  }

  async claim(partition: number, { life, processors, capacity }: Claimant): Promise<Claimed | "taken"> {
    const [row] = await this.#pool.run(Leases.CLAIM, [partition, life, processors, capacity]);
    return row!["claimed"] === null ? "taken" : claimedOf(row!["claimed"]);
  }

  async raise(tenures: readonly Tenure[]): Promise<Raised[]> {
    const partitions = Logs.arrayOf(tenures.map(({ partition }) => partition));
    const [row] = await this.#appends.run(Logs.RAISE, [partitions, Logs.arrayOf(tenures.map(({ since }) => since))]);
    return row!["raised"] as Raised[];
  }

  async halt({ partition, since }: Tenure, reason: string): Promise<void> {
    await this.#pool.run(Leases.HALT, [partition, since, reason]);
  }

  async endRestored({ partition, since }: Tenure): Promise<void> {
    await this.#pool.run(Leases.END_RESTORED, [partition, since]);
  }

  async release({ partition, since }: Tenure): Promise<void> {
    await this.#pool.run(Leases.RELEASE, [partition, since]);
  }

  async append(appends: readonly Append[]): Promise<readonly number[]> {
    if (appends.length === 0) return [];
    const rows = await this.#appends.run(Logs.APPEND, Logs.appendValues(appends));
    return rows.map(({ number }) => number as number);
  }

  async epochs(): Promise<readonly number[]> {
    const [row] = await this.#leases.run(Logs.EPOCHS).catch(asRead);
    return (row!["epochs"] as number[] | null) ?? [];
  }

  async chunks(partition: number, lsn: number, bytesMax: number): Promise<Chunk[]> {
    const rows = await this.#read(Logs.CHUNKS, [partition, lsn, bytesMax]);
    return rows.map((row) => ({
      lsn: row["lsn"] as number,
      epoch: row["epoch"] as number,
      recordCount: row["record_count"] as number,
      records: row["records"] as Uint8Array,
    }));
  }

  async names(partition: number): Promise<ReadonlyMap<number, readonly string[]>> {
    const rows = await this.#read(Logs.NAMES, [partition]);
    return new Map(rows.map(({ epoch, processors }) => [epoch as number, processors as string[]]));
  }

  async outline(partition: number): Promise<Outline> {
    const [row] = await this.#read(Leases.OUTLINE, [partition]);
    if (row!["outline"] === null) throw new NotDoneError(`there must be such a partition: partition=${partition}`);
    return outlineOf(row!["outline"]);
  }

  async beginCheckpoint(partition: number, epoch: number, { lsn, latestMs }: CheckpointHead) {
    const [row] = await this.#pool.run(Checkpoints.BEGIN_CHECKPOINT, [partition, epoch, lsn, latestMs]);
    return row?.["number"] as number | undefined;
  }

  async putSlice(partition: number, checkpoint: number, index: number, records: Uint8Array): Promise<void> {
    const bytes = Buffer.from(records.buffer, records.byteOffset, records.byteLength);
    const [row] = await this.#pool.run(Checkpoints.PUT_SLICE, [partition, checkpoint, index, bytes]);
    if (row === undefined) throw new NotDoneError(`the checkpoint must be being written: checkpoint=${checkpoint}`);
  }

  async finishCheckpoint(partition: number, epoch: number, checkpoint: number, size: CheckpointSize): Promise<boolean> {
    const values = [partition, epoch, checkpoint, size.slices, size.rows];
    const [row] = await this.#pool.run(Checkpoints.FINISH_CHECKPOINT, values);
    if (row!["is_finished"] !== true) return false;
    await this.#pool.run(Checkpoints.DROP_EARLIER, [partition, checkpoint]).catch(() => undefined);
    return true;
  }

  async slices(partition: number, checkpoint: number, index: number, bytesMax: number): Promise<Uint8Array[]> {
    const rows = await this.#read(Checkpoints.SLICES, [partition, checkpoint, index, bytesMax]);
    return rows.map(({ records }) => records as Uint8Array);
  }

  /** The payment table beside the logs. */
  get payments(): PostgresPaymentTable {
    return new PostgresPaymentTable((statement, values) => this.#pool.run(statement, values));
  }

  tidy(): Promise<void> {
    return this.#pool.lend((session, timeoutMs) => tidy(session, timeoutMs, this.#generationBytesMax));
  }

  async close(): Promise<void> {
    this.#connector.close();
    for (const lane of [this.#appends, this.#leases, this.#pool]) lane.close();
  }

  #read(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    return this.#pool.run(statement, values).catch(asRead);
  }
}

/** Nothing is left behind by what only reads, whatever became of it. */
function asRead(error: unknown): never {
  if (error instanceof UnknownError) throw new NotDoneError(error.message, { cause: error.cause });
  throw error;
}
