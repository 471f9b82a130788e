import type { Schedule } from "./schedule.ts";

/** What k6's ramping-vus executor does with one stage. */
export type LoadShape = {
  /** Reached at the end; there is one from the beginning. */
  readonly userCount: number;
  readonly durationMs: number;
  /** From an answer, whatever it was, to the user's next payment. */
  readonly sleepMs: number;
};

/** Of a closed loop nobody knows how many payments there will be. */
const CLOSED_LOOP_EXPECTED_COUNT = 65_536;

/** When user 0, 1, 2 … begins on a ramp: evenly spread, the first one at once, the last one as the load ends. */
export function userStartMs(user: number, { userCount, durationMs }: LoadShape): number {
  return user === 0 ? 0 : (durationMs * user) / (userCount - 1);
}

/** How many payments a ramp sends to a service that always answers after `latencyMs`. */
export function paymentCountAt(latencyMs: number, load: LoadShape): number {
  let count = 0;
  for (let user = 0; user < load.userCount; user++) {
    count += Math.ceil((load.durationMs - userStartMs(user, load)) / (load.sleepMs + latencyMs));
  }
  return count;
}

/**
 * The contest's schedule: users begin one after the other; each one pays, waits for its answer, sleeps, and pays
 * again.
 */
export function rampOfUsers(load: LoadShape): UserSchedule {
  return new UserSchedule(load, (user) => userStartMs(user, load), paymentCountAt(0, load));
}

/**
 * Everybody begins at once and pays again as soon as the last payment is answered: it measures cost, not latency
 * under a given load.
 */
export function closedLoop(userCount: number, durationMs: number): UserSchedule {
  return new UserSchedule({ userCount, durationMs, sleepMs: 0 }, () => 0, CLOSED_LOOP_EXPECTED_COUNT);
}

/**
 * Each user has a connection of its own, as in k6, so the balancer sees as many connections as there are users. All
 * sleeps are equally long, so they end in the order they began: two queues, those who have not begun and the
 * sleepers, and nothing to sort.
 */
export class UserSchedule implements Schedule {
  readonly connectionsAhead = 0;
  readonly expectedCount: number;
  readonly #load: LoadShape;
  readonly #startMs: (user: number) => number;
  #startedCount = 0;
  /** A ring: never more sleepers than users. */
  readonly #sleepers: Int32Array;
  readonly #wakeAtMs: Float64Array;
  #oldest = 0;
  #sleeperCount = 0;

  constructor(load: LoadShape, startMs: (user: number) => number, expectedCount: number) {
    this.#load = load;
    this.#startMs = startMs;
    this.expectedCount = expectedCount;
    this.#sleepers = new Int32Array(load.userCount);
    this.#wakeAtMs = new Float64Array(load.userCount);
  }

  get startedCount(): number {
    return this.#startedCount;
  }

  get nextDueMs(): number {
    const dueMs = Math.min(this.#nextStartMs, this.#nextWakeMs);
    return dueMs < this.#load.durationMs ? dueMs : Number.POSITIVE_INFINITY;
  }

  /** The user whose payment is due next. */
  takeNext(): number {
    if (this.nextDueMs === Number.POSITIVE_INFINITY) throw new Error("a payment is taken while one is due");
    if (this.#nextStartMs <= this.#nextWakeMs) return this.#startedCount++;
    const user = this.#sleepers[this.#oldest]!;
    this.#oldest = (this.#oldest + 1) % this.#load.userCount;
    this.#sleeperCount--;
    return user;
  }

  /** The user falls asleep. */
  ended(user: number, nowMs: number): void {
    if (this.#sleeperCount === this.#load.userCount) throw new Error("a user sleeps once at a time");
    const place = (this.#oldest + this.#sleeperCount++) % this.#load.userCount;
    this.#sleepers[place] = user;
    this.#wakeAtMs[place] = nowMs + this.#load.sleepMs;
  }

  get #nextStartMs(): number {
    return this.#startedCount < this.#load.userCount ? this.#startMs(this.#startedCount) : Number.POSITIVE_INFINITY;
  }

  get #nextWakeMs(): number {
    return this.#sleeperCount === 0 ? Number.POSITIVE_INFINITY : this.#wakeAtMs[this.#oldest]!;
  }
}
