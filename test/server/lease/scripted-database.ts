import type { Append, Database, Raised } from "../../../server/lease/database.ts";

/** What the test says to a call. */
type Answered<T> = { args: unknown[]; resolve: (value: T) => void; reject: (error: Error) => void };

/** A database whose answers to appends and raises are given by the test, one by one. Nothing else is asked of it. */
export class ScriptedDatabase {
  readonly appends: Answered<readonly number[]>[] = [];
  readonly raises: Answered<Raised[]>[] = [];
  /** Whether it answers when it is asked whether it is there. */
  isThere = true;

  get asDatabase(): Database {
    const calls: Partial<Database> = {
      append: (appends) => this.#ask(this.appends, [appends]),
      raise: (tenures) => this.#ask(this.raises, [...tenures]),
      epochs: async () => {
        if (!this.isThere) throw new Error("gone");
        return [];
      },
    };
    return calls as Database;
  }

  /** What the newest statement is to append: partition, epoch, first number and count of records. */
  get newest(): number[][] {
    const [appends] = this.appends.at(-1)!.args as [Append[]];
    return appends.map(({ partition, epoch, lsn, recordCount }) => [partition, epoch, lsn, recordCount]);
  }

  #ask<T>(calls: Answered<T>[], args: unknown[]): Promise<T> {
    return new Promise((resolve, reject) => calls.push({ args, resolve, reject }));
  }
}
