import type { PaymentKey, PaymentRow, PaymentTable, TableMove, TablePosition } from "../payment-table/payment-table.ts";
import * as Statements from "./payment-statements.ts";
import type { Row, Statement } from "./session.ts";

type Run = (statement: Statement, values: readonly unknown[]) => Promise<Row[]>;

/** The payment table in the store's own database. */
export class PostgresPaymentTable implements PaymentTable {
  readonly #run: Run;

  /** `run`: a statement, a transaction of its own. */
  constructor(run: Run) {
    this.#run = run;
  }

  async positions(partitions: readonly number[]): Promise<ReadonlyMap<number, TablePosition>> {
    const rows = await this.#run(Statements.POSITIONS, [`{${partitions.join(",")}}`]);
    return new Map(rows.map(({ partition, lsn }) => [partition as number, (lsn as number | null) ?? "being made"]));
  }

  async rows(keys: readonly PaymentKey[]): Promise<PaymentRow[]> {
    return (await this.#run(Statements.ROWS, Statements.keyArrays(keys))).map(Statements.rowFrom);
  }

  async move(moves: readonly TableMove[]): Promise<readonly number[]> {
    const rows = await this.#run(Statements.MOVE, Statements.moveValues(moves));
    return rows.map(({ partition }) => partition as number);
  }

  async purge(partition: number, sequence: number, countMax: number): Promise<number> {
    const [row] = await this.#run(Statements.PURGE, [partition, sequence, countMax]);
    return row!["count"] as number;
  }

  async start(partition: number): Promise<void> {
    await this.#run(Statements.START, [partition]);
  }

  async beginMaking(partition: number, epoch: number): Promise<boolean> {
    return (await this.#run(Statements.BEGIN_MAKING, [partition, epoch])).length > 0;
  }

  async make(partition: number, epoch: number, rows: readonly PaymentRow[]): Promise<boolean> {
    return (await this.#run(Statements.MAKE, [partition, epoch, ...Statements.rowArrays(rows)])).length > 0;
  }

  async endMaking(partition: number, epoch: number, made: { tail: number; head: number; lsn: number }) {
    const { tail, head, lsn } = made;
    return (await this.#run(Statements.END_MAKING, [partition, epoch, tail, head, lsn])).length > 0;
  }

  async leave(partition: number): Promise<void> {
    await this.#run(Statements.LEAVE_TABLE, [partition]);
  }
}
