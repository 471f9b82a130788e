import { NotDoneError } from "../../server/lease/database.ts";
import type { Random } from "../support/random.ts";
import type { Statement } from "./database-statements.ts";
import type { Change, DatabaseTables } from "./database-tables.ts";

/** From a commit's record on the disk to its standby's word that it has it. */
const REPLICATION_MS_MAX = 3;

export type ServerParts = {
  tables: DatabaseTables;
  random: Random;
  after: (delayMs: number, run: () => void) => void;
  /** Whether commits wait for the standby. */
  isSynchronous: boolean;
  /** Chance that somebody cancels a commit's wait for the standby. */
  cancelChance: () => number;
};

/**
 * What became of a transaction: `committed`; `refused`; `cancelled`: committed here, while the standby may not have it;
 * or `broken`, its connection ended, and nobody says more.
 */
export type Ended<T> =
  | { how: "committed"; result: T }
  | { how: "refused"; error: Error }
  | { how: "cancelled" | "broken" };

/** A transaction that this server works on, whether or not somebody waits for it. */
type Working = {
  statement: Statement<unknown>;
  /** All that it asked for, in their order; those before `lockedCount` are held. */
  locks: readonly string[];
  lockedCount: number;
  isOver: boolean;
  onBlocked: () => void;
  onEnd: (ended: Ended<unknown>) => void;
};

/** A commit in the log that goes to the standby. `working`: waits for that, and nobody sees it. */
type LogEntry = { changes: readonly Change[]; result: unknown; working: Working | undefined };

/**
 * A PostgreSQL server with a streaming standby, at READ COMMITTED. A transaction takes its locks one by one, in the
 * order in which others came to them; sees what is committed then; and is committed once it is in the log and the
 * standby has it. Until then others neither see it nor get past its locks: as in PostgreSQL, where a transaction that
 * waits for its standby is still in progress. The log is a sequence: whoever is told of a commit knows that the standby
 * has all before it.
 */
export class DatabaseServer {
  /** As others see them. */
  readonly tables: DatabaseTables;
  readonly #parts: ServerParts;
  /** What the standby has. */
  readonly #standby: DatabaseTables;
  /** What the standby does not have yet. */
  readonly #log: LogEntry[] = [];
  /** Commits that it has. */
  #replicatedCount = 0;
  readonly #locks = new Map<string, { holder: Working; waiting: Working[] }>();
  readonly #working = new Set<Working>();
  #isDown = false;
  #isStarting = false;
  #isStandbyStalled = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.tables = parts.tables;
    this.#standby = parts.tables.copy();
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  /** It takes no connections. */
  get isRefusing(): boolean {
    return this.#isDown || this.#isStarting;
  }

  /** It is about to take connections. */
  pause(isStarting: boolean): void {
    this.#isStarting = isStarting;
  }

  get standbys(): { isAskedFor: boolean; syncCount: number } {
    const { isSynchronous } = this.#parts;
    return { isAskedFor: isSynchronous, syncCount: isSynchronous && !this.#isStandbyStalled ? 1 : 0 };
  }

  /** What arrives is worked on, whatever becomes of its client. `onBlocked`: it has to wait for another. */
  work<T>(statement: Statement<T>, onBlocked: () => void, onEnd: (ended: Ended<T>) => void): void {
    const locks = [...new Set(statement.locks?.(this.tables) ?? [])];
    const working: Working = {
      statement,
      locks,
      lockedCount: 0,
      isOver: false,
      onBlocked,
      onEnd: onEnd as Working["onEnd"],
    };
    this.#working.add(working);
    this.#goOn(working);
  }

  /** The standby gets nothing until this is taken back. */
  stallStandby(isStalled: boolean): void {
    this.#isStandbyStalled = isStalled;
    if (!isStalled) this.#ship(Number.POSITIVE_INFINITY);
  }

  /** Who waits for the standby does not wait any longer: it is committed here. */
  cancelWaits(): void {
    for (const entry of [...this.#log]) this.#commit(entry, "cancelled");
  }

  /** It crashes. What it had not written to its disk is gone, whoever was connected is not any more. */
  crash(): void {
    this.#isDown = true;
    // What somebody was told of, or saw, was on the disk, and all before it.
    const unsafeCount = this.#log.length - 1 - this.#log.findLastIndex(({ working }) => working === undefined);
    this.#log.length -= this.#parts.random.below(unsafeCount + 1);
    // What is on the disk is committed when it starts again, whether or not the standby has it.
    for (const entry of this.#log) this.#show(entry);
    const working = [...this.#working];
    this.#working.clear();
    this.#locks.clear();
    for (const each of working) each.isOver = true;
    for (const { onEnd } of working) onEnd({ how: "broken" });
  }

  restart(): void {
    this.#isDown = false;
    if (!this.#isStandbyStalled) this.#ship(Number.POSITIVE_INFINITY);
  }

  /**
   * Its standby is promoted: what that one has, which are all acknowledged commits if they waited for it. Here no
   * commit is acknowledged any more, while reading goes on for who has not noticed.
   */
  promoteStandby(): DatabaseTables {
    this.#isStandbyStalled = true;
    if (!this.#parts.isSynchronous) this.crash();
    return this.#standby.copy();
  }

  #goOn(working: Working): void {
    while (working.lockedCount < working.locks.length) {
      const name = working.locks[working.lockedCount]!;
      const lock = this.#locks.get(name);
      if (lock && lock.holder !== working) {
        lock.waiting.push(working);
        working.onBlocked();
        return;
      }
      if (!lock) this.#locks.set(name, { holder: working, waiting: [] });
      working.lockedCount++;
    }
    this.#run(working);
  }

  #run(working: Working): void {
    const { random, after, isSynchronous, cancelChance } = this.#parts;
    const ran = outcomeOf(working.statement, this.tables);
    if (ran instanceof Error) {
      this.#end(working, { how: "refused", error: ran });
      return;
    }
    const { result, changes = [] } = ran;
    if (changes.length === 0) {
      this.#end(working, { how: "committed", result });
      return;
    }
    const entry: LogEntry = { changes, result, working };
    this.#log.push(entry);
    const place = this.#replicatedCount + this.#log.length;
    if (!isSynchronous) this.#commit(entry, "committed");
    else if (cancelChance() > 0 && random.chance(cancelChance())) after(0, () => this.#commit(entry, "cancelled"));
    after(random.below(REPLICATION_MS_MAX + 1), () => {
      if (!this.#isStandbyStalled) this.#ship(place);
      else if (!working.isOver) working.onBlocked();
    });
  }

  /** The standby has all commits up to this number. */
  #ship(place: number): void {
    while (this.#replicatedCount < place && this.#log.length > 0) {
      const entry = this.#log.shift()!;
      this.#replicatedCount++;
      for (const change of entry.changes) change(this.#standby);
      this.#commit(entry, "committed");
    }
  }

  #commit(entry: LogEntry, how: "committed" | "cancelled"): void {
    const { working, result } = entry;
    if (!working) return;
    this.#show(entry);
    this.#end(working, how === "committed" ? { how, result } : { how });
  }

  #show(entry: LogEntry): void {
    if (entry.working) for (const change of entry.changes) change(this.tables);
    entry.working = undefined;
  }

  #end(working: Working, ended: Ended<unknown>): void {
    if (working.isOver) return;
    working.isOver = true;
    this.#working.delete(working);
    working.onEnd(ended);
    for (const name of working.locks.slice(0, working.lockedCount)) {
      const next = this.#locks.get(name)!.waiting.shift();
      if (!next) {
        this.#locks.delete(name);
        continue;
      }
      this.#locks.get(name)!.holder = next;
      this.#goOn(next);
    }
  }
}

function outcomeOf<T>(statement: Statement<T>, tables: DatabaseTables): ReturnType<Statement<T>["run"]> | NotDoneError {
  try {
    return statement.run(tables);
  } catch (error) {
    if (error instanceof NotDoneError) return error;
    throw error;
  }
}
