import type { Engine } from "../../core/engine.ts";
import type { Time, Timer } from "../system/time.ts";
import type { SlewedClock } from "./clock.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Resolution of everything that waits in the engine: probes, doubts, patience, timeouts, giving up. */
const TICK_MS = 20;
const CLOCK_ADJUST_TICKS = 50;
const JOURNAL_RETRY_TICKS = 10;
const STUCK_WATCH_TICKS = 50;

export type TickingParts = {
  engine: Engine;
  clock: SlewedClock;
  commit: GroupCommit;
  time: Time;
  /** What is out at the processors, and what waits to be sent there. */
  sending: { readonly hasWork: boolean; expire(): void };
  /** Who wants to know what became of payments and processors. */
  notes: { gaveUp(slot: number): void; noteHealth(): void };
  /** Who looks after payments that stay in doubt. */
  stuckWatch: { look(nowMs: number): void };
};

/** What is done about a partition as time passes, whether or not anything else happens. */
export class Ticking {
  readonly #parts: TickingParts;
  #timer: Timer;
  #tickCount = 0;
  #isClosed = false;

  constructor(parts: TickingParts) {
    this.#parts = parts;
    this.#timer = parts.time.after(TICK_MS, this.#tick);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.cancel();
  }

  readonly #tick = (): void => {
    if (this.#isClosed) return;
    const { engine, clock, commit, time, sending, notes, stuckWatch } = this.#parts;
    this.#timer = time.after(TICK_MS, this.#tick);
    const nowMs = clock.nowMs();
    if (++this.#tickCount % CLOCK_ADJUST_TICKS === 0) clock.adjust();
    commit.noteLate();
    if (this.#tickCount % JOURNAL_RETRY_TICKS === 0) commit.retry();
    if (this.#tickCount % STUCK_WATCH_TICKS === 0) stuckWatch.look(nowMs);
    sending.expire();
    if (!commit.isFailing) this.#dropOld(nowMs);
    notes.noteHealth();
    if (sending.hasWork || engine.batches.next.count > 0) commit.wake();
  };

  #dropOld(nowMs: number): void {
    const { engine, notes } = this.#parts;
    engine.evictOld(nowMs);
    engine.giveUpOld(nowMs, (slot) => notes.gaveUp(slot));
  }
}
