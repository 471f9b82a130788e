import { Alarm } from "./alarm.ts";
import type { Clock } from "./clock.ts";
import { ConcurrencyLimiter, type Limited } from "./concurrency-limiter.ts";
import { DelayQueue } from "./delay-queue.ts";

export type PoolLimits = {
  /** Connections to the database. */
  readonly connectionCountMax: number;
  /** How long an insert waits for one of them. */
  readonly waitMsMax: number;
};

/** An insert takes place when it ends. `exhausted`: it has waited for a connection in vain, and never will. */
export type Inserted = (outcome: "inserted" | "exhausted") => void;

/**
 * Inserts that take their time, one on each connection to the database. The others wait.
 *
 *   insert ─► running ─────────────────────► inserted
 *        └──► waiting ─► running ──────────► inserted
 *                   └──► waitMsMax is over ► exhausted
 */
export class InsertPool {
  readonly #limits: PoolLimits;
  readonly #clock: Clock;
  readonly #connections: ConcurrencyLimiter;
  readonly #running = new DelayQueue<Insert>();
  readonly #waiting = new DelayQueue<Insert>();
  readonly #alarm: Alarm;

  constructor(limits: PoolLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    const inFlightCountMax = limits.connectionCountMax;
    this.#connections = new ConcurrencyLimiter({ inFlightCountMax, queuedCountMax: Number.POSITIVE_INFINITY });
    this.#alarm = new Alarm(clock, (nowMs) => this.#ring(nowMs));
  }

  get limits(): PoolLimits {
    return this.#limits;
  }

  /** `inserted` is called once; before this returns, if the insert takes no time and a connection is free. */
  insert(insertMs: number, inserted: Inserted): void {
    const insert = new Insert(insertMs, inserted, (started) => this.#run(started));
    if (this.#connections.enter(insert) === "started") {
      this.#run(insert);
      return;
    }
    this.#waiting.add(insert, this.#limits.waitMsMax, this.#clock());
    this.#alarm.setFor(this.#waiting.nextDueMs());
  }

  /** Forgets what is running and waiting. */
  close(): void {
    this.#alarm.cancel();
  }

  #run(insert: Insert): void {
    if (insert.durationMs === 0) {
      this.#end(insert);
      return;
    }
    this.#running.add(insert, insert.durationMs, this.#clock());
    this.#alarm.setFor(this.#running.nextDueMs());
  }

  #end(insert: Insert): void {
    insert.inserted("inserted");
    this.#connections.leave();
  }

  #ring(nowMs: number): void {
    for (let insert = this.#running.takeDue(nowMs); insert; insert = this.#running.takeDue(nowMs)) this.#end(insert);
    for (let insert = this.#waiting.takeDue(nowMs); insert; insert = this.#waiting.takeDue(nowMs)) {
      // Those that got a connection are no longer in the limiter's queue.
      if (this.#connections.giveUp(insert)) insert.inserted("exhausted");
    }
    this.#alarm.setFor(Math.min(this.#running.nextDueMs(), this.#waiting.nextDueMs()));
  }
}

class Insert implements Limited {
  readonly durationMs: number;
  readonly inserted: Inserted;
  readonly #run: (insert: Insert) => void;

  constructor(durationMs: number, inserted: Inserted, run: (insert: Insert) => void) {
    this.durationMs = durationMs;
    this.inserted = inserted;
    this.#run = run;
  }

  start(): void {
    this.#run(this);
  }
}
