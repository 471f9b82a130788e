import type { JournalMeters } from "../meters/meters.ts";
import type { Clocks } from "../system/time.ts";
import type { Effect } from "./effect.ts";
import type { RecordLog } from "./record-log.ts";

/** Effects of what is written, until a sync covers it: one for all that came while the last one ran. */
export class EffectSync {
  readonly #log: RecordLog;
  readonly #time: Clocks;
  readonly #meters: JournalMeters;
  #unsynced: Effect[] = [];
  #syncing: Effect[] = [];
  #isSyncing = false;
  /** Something was written that no sync has begun after. */
  #isUnsynced = false;
  /** When the oldest effect of the sync under way, and of those that wait for the next one, was written. */
  #syncingSinceMs = 0;
  #unsyncedSinceMs = 0;

  constructor(log: RecordLog, time: Clocks, meters: JournalMeters) {
    this.#log = log;
    this.#time = time;
    this.#meters = meters;
  }

  get waitingCount(): number {
    return this.#unsynced.length + this.#syncing.length;
  }

  /** How long the oldest effect has been waiting, in milliseconds; 0 if there is none. */
  get lagMs(): number {
    if (!this.#isSyncing && this.#unsynced.length === 0) return 0;
    return this.#time.monotonicMs() - (this.#isSyncing ? this.#syncingSinceMs : this.#unsyncedSinceMs);
  }

  /** There are records that no sync covers. */
  written(): void {
    this.#isUnsynced = true;
  }

  /** The effects happen once all that is written is safe: before this returns where it is. */
  add(effects: readonly Effect[]): void {
    const isCovered = !this.#isUnsynced;
    if (isCovered && !this.#isSyncing) {
      for (const effect of effects) effect.commit();
      return;
    }
    if (this.#unsynced.length === 0) this.#unsyncedSinceMs = this.#time.monotonicMs();
    for (const effect of effects) (isCovered ? this.#syncing : this.#unsynced).push(effect);
    this.#begin();
  }

  #begin(): void {
    if (this.#isSyncing || this.#unsynced.length === 0) return;
    this.#syncing = this.#unsynced;
    this.#unsynced = [];
    this.#isSyncing = true;
    this.#isUnsynced = false;
    this.#syncingSinceMs = this.#unsyncedSinceMs;
    const beganAtMs = this.#time.monotonicMs();
    this.#log.sync((error) => {
      // What the kernel failed to write once it may take for written the next time: only a restart tells what is there.
      if (error) throw error;
      const group = this.#syncing;
      this.#syncing = [];
      this.#isSyncing = false;
      this.#meters.syncs.record(this.#time.monotonicMs() - beganAtMs);
      for (const effect of group) effect.commit();
      this.#begin();
    });
  }
}
