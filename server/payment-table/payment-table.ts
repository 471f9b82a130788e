/**
 * The payments as a table of the database, for whoever asks in SQL: made of the partitions' logs, a little behind them.
 * How far each partition is stands beside the rows, and moves with them in one transaction. Each call is one.
 */
export interface PaymentTable {
  /** Where the table is in the logs of these partitions, of those of which it is anywhere. */
  positions(partitions: readonly number[]): Promise<ReadonlyMap<number, TablePosition>>;
  /** The rows of these payments, of those that are there. */
  rows(keys: readonly PaymentKey[]): Promise<PaymentRow[]>;
  /**
   * Puts rows in their place, and moves on; resolves with the partitions that were where they were thought to be. Of
   * the others nothing is changed.
   */
  move(moves: readonly TableMove[]): Promise<readonly number[]>;
  /** Drops rows of payments before `sequence`, the first ones first, at most `countMax`; resolves with how many. */
  purge(partition: number, sequence: number, countMax: number): Promise<number>;

  /** Begins at the log's beginning, where the table is nowhere. */
  start(partition: number): Promise<void>;
  /**
   * The rows of the partition are made anew, until `endMaking`: by the carrier of this epoch, unless one of a later
   * epoch does. Resolves with whether it may.
   */
  beginMaking(partition: number, epoch: number): Promise<boolean>;
  /** False, and nothing is changed, where another makes them. */
  make(partition: number, epoch: number, rows: readonly PaymentRow[]): Promise<boolean>;
  /** What the log does not know any more stays if it had ended. The table is at `lsn` from here on. */
  endMaking(partition: number, epoch: number, made: { tail: number; head: number; lsn: number }): Promise<boolean>;
  /** The partition's rows are kept up no longer: its log does not wait for the table. */
  leave(partition: number): Promise<void>;
}

/** Number of the first record that is not in the table. */
export type TablePosition = number | "being made";

export type PaymentKey = { partition: number; sequence: number };

export type PaymentRow = PaymentKey & {
  correlationId: string;
  paymentId: string;
  cents: number;
  /** A name of State.NAMES. */
  state: string;
  /** Undefined while it is at none. */
  processor: string | undefined;
  acceptedAtMs: number;
  requestedAtMs: number | undefined;
  processedAtMs: number | undefined;
  /** That were begun; 255: or more. */
  attempts: number;
};

export type TableMove = { partition: number; from: number; to: number; rows: readonly PaymentRow[] };
