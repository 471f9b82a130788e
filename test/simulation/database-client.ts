import type {
  Append,
  Census,
  CheckpointHead,
  CheckpointSize,
  Chunk,
  Claimant,
  Claimed,
  Database,
  Layout,
  Member,
  NewMember,
  Outline,
  Raised,
  Tenure,
} from "../../server/lease/database.ts";
import { NotDoneError } from "../../server/lease/database.ts";
import type { Statement } from "./database-statements.ts";
import * as statements from "./database-statements.ts";
import type { Change, DatabaseTables } from "./database-tables.ts";
import type { VirtualDatabase } from "./virtual-database.ts";

/** A process that asks. It hears nothing while it is stopped, and never again once it is over. */
export type Caller = { readonly instance: number; settleLater(delayMs: number, body: () => void): void };

function afterAll(changes: readonly Change[], tables: DatabaseTables): DatabaseTables {
  const after = tables.copy();
  for (const change of changes) change(after);
  return after;
}

/** A process's way to the database. */
export class DatabaseClient implements Database {
  readonly #database: VirtualDatabase;
  readonly #caller: Caller;
  #isClosed = false;

  constructor(database: VirtualDatabase, caller: Caller) {
    this.#database = database;
    this.#caller = caller;
  }

  layout(): Promise<Layout> {
    const { partitionCount } = this.#database;
    return this.#ask({ name: "layout", run: () => ({ result: { partitionCount, nowMs: this.#database.wallMs() } }) });
  }

  join(member: NewMember): Promise<"joined" | Member> {
    return this.#ask(statements.join(member));
  }

  renew(life: string, renewal: string): Promise<Census | "expelled"> {
    return this.#ask(statements.renew(life, renewal, () => this.#database.standbys));
  }

  expel(life: string, renewal: string): Promise<boolean> {
    return this.#ask(statements.expel(life, renewal));
  }

  leave(life: string): Promise<void> {
    return this.#ask(statements.leave(life));
  }

  claim(partition: number, claimant: Claimant): Promise<Claimed | "taken"> {
    return this.#ask(statements.claim(partition, claimant));
  }

  raise(tenures: readonly Tenure[]): Promise<Raised[]> {
    return this.#ask(statements.raise(tenures));
  }

  halt(tenure: Tenure, reason: string): Promise<void> {
    return this.#ask(statements.halt(tenure, reason));
  }

  endRestored(tenure: Tenure): Promise<void> {
    return this.#ask(statements.endRestored(tenure));
  }

  release(tenure: Tenure): Promise<void> {
    return this.#ask(statements.release(tenure));
  }

  append(appends: readonly Append[]): Promise<readonly number[]> {
    const { watch } = this.#database;
    const onCommitted = (done: readonly number[]) => watch?.committed(appends, done, this.#caller);
    return this.#ask({ ...statements.append(appends), onCommitted });
  }

  epochs(): Promise<readonly number[]> {
    return this.#ask(statements.epochs());
  }

  chunks(partition: number, lsn: number, bytesMax: number): Promise<Chunk[]> {
    return this.#ask(statements.chunks(partition, lsn, bytesMax));
  }

  names(partition: number): Promise<ReadonlyMap<number, readonly string[]>> {
    return this.#ask(statements.names(partition));
  }

  outline(partition: number): Promise<Outline> {
    return this.#ask(statements.outline(partition));
  }

  beginCheckpoint(partition: number, epoch: number, checkpoint: CheckpointHead): Promise<number | undefined> {
    const next = () => this.#database.nextCheckpointNumber();
    return this.#ask(statements.beginCheckpoint(partition, epoch, checkpoint, next));
  }

  putSlice(partition: number, checkpoint: number, index: number, records: Uint8Array): Promise<void> {
    return this.#ask(statements.putSlice(partition, checkpoint, index, records));
  }

  finishCheckpoint(partition: number, epoch: number, checkpoint: number, size: CheckpointSize): Promise<boolean> {
    const statement = statements.finishCheckpoint(partition, epoch, checkpoint, size);
    const { watch } = this.#database;
    const run: typeof statement.run = (tables) => {
      const ran = statement.run(tables);
      if (ran.result) watch?.finished({ partition, before: tables.copy(), after: afterAll(ran.changes!, tables) });
      return ran;
    };
    return this.#ask({ ...statement, run });
  }

  slices(partition: number, checkpoint: number, index: number, bytesMax: number): Promise<Uint8Array[]> {
    return this.#ask(statements.slices(partition, checkpoint, index, bytesMax));
  }

  tidy(): Promise<void> {
    return this.#ask(statements.tidy());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #ask<T>(statement: Statement<T>): Promise<T> {
    if (this.#isClosed) return Promise.reject(new NotDoneError("the client is closed"));
    return this.#database.send(this.#caller, statement);
  }
}
