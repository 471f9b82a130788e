import type { Logger } from "pino";
import type { ProjectedLog, Projection } from "../lease/projection.ts";
import type { PaymentTable } from "./payment-table.ts";

/** Where the payment table is switched off: no log waits for it any more. */
export class PaymentTableOff implements Projection {
  readonly #table: PaymentTable;
  readonly #logger: Logger;

  constructor(table: PaymentTable, logger: Logger) {
    this.#table = table;
    this.#logger = logger;
  }

  /** Where that cannot be said now, the next carrier says it. */
  begin({ partition }: ProjectedLog): void {
    this.#table.leave(partition).catch((error: Error) => {
      this.#logger.warn({ err: error, partition: partition + 1 }, "the payment table could not be switched off yet");
    });
  }

  async end(): Promise<void> {}

  async close(): Promise<void> {}
}
