import type { Logger } from "pino";
import type { Engine } from "../../core/engine.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { Time } from "../system/time.ts";
import type { RecordLog } from "./record-log.ts";

/** Something the world sees, which has to wait until the records it rests on are in the log. */
export interface Effect {
  /** The records are safe. */
  commit(): void;
  /** They could not be written, and what they said has been taken back. */
  abort(): void;
}

/** Who adds to a turn's records and effects at its end, just before they are written. */
export interface TurnSource {
  gather(): void;
}

export type GroupCommitParts = {
  engine: Engine;
  /** Without one nothing is written: durability none. */
  log: RecordLog | undefined;
  /** Whether effects wait for a sync. */
  syncs: boolean;
  time: Time;
  logger: Logger;
  meters: JournalMeters;
  /** Called after each write, before its effects. */
  onWritten?: (() => void) | undefined;
};

/**
 * Group commit (DeWitt et al., 1984): all records of a turn of the event loop are written by one system call at its end, and then
 * all their effects happen: answers go out, requests are sent.
 *
 *   events of the turn ──► engine.batch ──► end of turn: gather ──► write ──► effects            write, none
 *      add(effect)                                                     └─► fdatasync ──► effects   fsync: one sync for all that
 *                                                                                                   came while the last one ran
 *
 * Reading is an effect as well (`whenDurable`): what is told has to be as safe as what is acknowledged.
 */
export class GroupCommit {
  readonly #engine: Engine;
  readonly #time: Time;
  readonly #log: RecordLog | undefined;
  readonly #syncs: boolean;
  readonly #logger: Logger;
  readonly #meters: JournalMeters;
  readonly #onWritten: (() => void) | undefined;
  #source: TurnSource | undefined;
  #effects: Effect[] = [];
  #unsynced: Effect[] = [];
  #syncing: Effect[] = [];
  #isSyncing = false;
  /** Something was written that no sync has begun after. */
  #isUnsynced = false;
  /** When the oldest effect of the sync under way, and of those that wait for the next one, was written. */
  #syncingSinceMs = 0;
  #unsyncedSinceMs = 0;
  #isScheduled = false;
  #isFailing = false;

  constructor({ engine, log, syncs, time, logger, meters, onWritten }: GroupCommitParts) {
    this.#engine = engine;
    this.#log = log;
    this.#syncs = syncs;
    this.#time = time;
    this.#logger = logger;
    this.#meters = meters;
    this.#onWritten = onWritten;
  }

  /** From now on `source` is asked at the end of each turn in which the log can be written. There is one, once. */
  gatherFrom(source: TurnSource): void {
    if (this.#source) throw new Error("a turn is gathered from one source: sources=2");
    this.#source = source;
  }

  /** Nothing can be written now: nothing new may be accepted or sent. */
  get isFailing(): boolean {
    return this.#isFailing;
  }

  /** Effects held back until their records are as durable as asked for. */
  get waitingCount(): number {
    return this.#effects.length + this.#unsynced.length + this.#syncing.length;
  }

  /** How long the oldest unwritten record, or the oldest effect that waits for a sync, has been waiting, in milliseconds. */
  get lagMs(): number {
    const { batch, nowMs } = this.#engine;
    const unwrittenMs = batch.count === 0 ? 0 : nowMs - batch.atMs(0);
    if (!this.#isSyncing && this.#unsynced.length === 0) return unwrittenMs;
    const sinceMs = this.#isSyncing ? this.#syncingSinceMs : this.#unsyncedSinceMs;
    return Math.max(unwrittenMs, this.#time.monotonicMs() - sinceMs);
  }

  /** Hot. */
  add(effect: Effect): void {
    this.#effects.push(effect);
    if (this.#engine.batch.isHalfFull) this.commit();
    else this.wake();
  }

  /** There will be a commit at the end of this turn. Hot. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#time.atEndOfTurn(this.#endTurn);
  }

  /** Writes what there is, now. False when it could not be written. */
  commit(): boolean {
    const effects = this.#effects;
    this.#effects = [];
    if (!this.#write()) {
      for (const effect of effects) effect.abort();
      return false;
    }
    if (this.#syncs) this.#syncThen(effects);
    else for (const effect of effects) effect.commit();
    return true;
  }

  /**
   * Calls back once all that stands now is as durable as was asked for: before it returns where nothing is outstanding,
   * as always with `write` and `none`. With false, at once, while something has happened that the journal cannot take.
   */
  whenDurable(onDurable: (isDurable: boolean) => void): void {
    if (!this.commit() && this.#engine.batch.count > 0) onDurable(false);
    else if (this.#syncs) this.#syncThen([{ commit: () => onDurable(true), abort: () => onDurable(false) }]);
    else onDurable(true);
  }

  /** The same as a promise. */
  durable(): Promise<boolean> {
    return new Promise((resolve) => this.whenDurable(resolve));
  }

  /** To be called now and then while failing: takes up work again when there is room. */
  retry(): void {
    if (!this.#isFailing || !this.#log?.probe()) return;
    this.#isFailing = false;
    this.#logger.warn("the journal can be written again");
    this.wake();
  }

  readonly #endTurn = (): void => {
    this.#isScheduled = false;
    if (!this.#isFailing) this.#source?.gather();
    this.commit();
  };

  #write(): boolean {
    if (this.#isFailing) return false;
    const { batch } = this.#engine;
    if (batch.count === 0) return true;
    const beganAtMs = this.#time.monotonicMs();
    const error = this.#log?.append(batch);
    if (error) {
      this.#isFailing = true;
      this.#meters.failedCount++;
      this.#engine.revert();
      this.#logger.error({ err: error }, "the journal cannot be written: refusing payments");
      return false;
    }
    const tookMs = this.#time.monotonicMs() - beganAtMs;
    if (this.#log) this.#meters.wrote(batch.count, batch.count * RECORD_BYTES, tookMs);
    this.#isUnsynced = true;
    batch.clear();
    this.#onWritten?.();
    return true;
  }

  /** Effects of what has been written: they wait for the sync that covers it, which may be under way or over. */
  #syncThen(effects: readonly Effect[]): void {
    const isCovered = !this.#isUnsynced;
    if (isCovered && !this.#isSyncing) {
      for (const effect of effects) effect.commit();
      return;
    }
    if (this.#unsynced.length === 0) this.#unsyncedSinceMs = this.#time.monotonicMs();
    for (const effect of effects) (isCovered ? this.#syncing : this.#unsynced).push(effect);
    this.#beginSync();
  }

  #beginSync(): void {
    if (this.#isSyncing || this.#unsynced.length === 0) return;
    this.#syncing = this.#unsynced;
    this.#unsynced = [];
    this.#isSyncing = true;
    this.#isUnsynced = false;
    this.#syncingSinceMs = this.#unsyncedSinceMs;
    const beganAtMs = this.#time.monotonicMs();
    this.#log!.sync((error) => {
      // What the kernel failed to write once it may take for written the next time: only a restart tells what is there.
      if (error) throw error;
      const group = this.#syncing;
      this.#syncing = [];
      this.#isSyncing = false;
      this.#meters.syncs.record(this.#time.monotonicMs() - beganAtMs);
      for (const effect of group) effect.commit();
      this.#beginSync();
    });
  }
}
