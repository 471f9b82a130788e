import type { Append } from "../../server/lease/database.ts";
import type { DatabaseTables } from "./database-tables.ts";
import { expectThat } from "./violation.ts";

/** The database without a checkpoint, and with it. */
export type Finished = { partition: number; before: DatabaseTables; after: DatabaseTables };

/**
 * Looks at the logs in a database, whoever writes them: each epoch's records are one process's, none of an epoch come
 * after those of a later one, and none that was committed is gone.
 */
export class LogWatch {
  /** By partition: the latest epoch that a record is of, and who wrote it. */
  readonly #epochs: number[] = [];
  readonly #writers: unknown[] = [];
  /** By partition: number of the next record. */
  readonly #heads: number[] = [];
  /** Finished, and not looked at yet. */
  readonly checkpoints: Finished[] = [];

  /** Those of the partitions are done, for as long as the database promises. */
  committed(appends: readonly Append[], partitions: readonly number[], writer: unknown): void {
    for (const { partition, epoch, lsn, recordCount } of appends) {
      if (!partitions.includes(partition)) continue;
      const before = this.#epochs[partition] ?? 0;
      const name = () => `partition=${partition} epoch=${epoch} before=${before}`;
      expectThat(epoch >= before, "no record of an old epoch follows a newer one", name);
      const isSame = epoch > before || this.#writers[partition] === writer;
      expectThat(isSame, "an epoch has one carrier's records", name);
      this.#epochs[partition] = epoch;
      this.#writers[partition] = writer;
      this.#heads[partition] = lsn + recordCount;
    }
  }

  /** A checkpoint is finished, unless it is lost with its server: to be looked at when there is time. */
  finished(checkpoint: Finished): void {
    this.checkpoints.push(checkpoint);
  }

  /** Another server is the primary now, with these heads. */
  promoted(heads: readonly number[]): void {
    for (const [partition, head] of heads.entries()) {
      const before = this.#heads[partition] ?? 0;
      const name = () => `partition=${partition} head=${head} before=${before}`;
      expectThat(head >= before, "a promotion keeps what was committed", name);
    }
  }
}
