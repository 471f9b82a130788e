/** What k6's ramping-vus executor does with one stage: the load of the contest. */
export type LoadShape = {
  /** Reached at the end; there is one from the beginning. */
  readonly userCount: number;
  readonly durationMs: number;
  /** From an answer, whatever it was, to the user's next payment. */
  readonly sleepMs: number;
};

export const CONTEST_LOAD: LoadShape = { userCount: 550, durationMs: 60_000, sleepMs: 1000 };

/** When user 0, 1, 2 … begins: evenly spread, the first one at once, the last one as the load ends. */
export function userStartMs(user: number, { userCount, durationMs }: LoadShape): number {
  return user === 0 ? 0 : (durationMs * user) / (userCount - 1);
}

/** How many payments the load sends to a service that always answers after `latencyMs`. */
export function paymentCountAt(latencyMs: number, load: LoadShape): number {
  let count = 0;
  for (let user = 0; user < load.userCount; user++) {
    count += Math.ceil((load.durationMs - userStartMs(user, load)) / (load.sleepMs + latencyMs));
  }
  return count;
}

/**
 * Whose payment is next, and when it is due, in milliseconds from the beginning. All sleeps are equally long, so they end in
 * the order they began: two queues, the ramp and the sleepers, and nothing to sort.
 */
export class LoadSchedule {
  readonly #load: LoadShape;
  #startedCount = 0;
  /** A ring: never more sleepers than users. */
  readonly #sleepers: Int32Array;
  readonly #wakeAtMs: Float64Array;
  #oldest = 0;
  #sleeperCount = 0;

  constructor(load: LoadShape) {
    this.#load = load;
    this.#sleepers = new Int32Array(load.userCount);
    this.#wakeAtMs = new Float64Array(load.userCount);
  }

  get startedCount(): number {
    return this.#startedCount;
  }

  /** Infinite when no payment is due any more before the end, unless somebody who is awake falls asleep. */
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

  /** The user has its answer, or none in time. */
  sleep(user: number, nowMs: number): void {
    if (this.#sleeperCount === this.#load.userCount) throw new Error("a user sleeps once at a time");
    const place = (this.#oldest + this.#sleeperCount++) % this.#load.userCount;
    this.#sleepers[place] = user;
    this.#wakeAtMs[place] = nowMs + this.#load.sleepMs;
  }

  get #nextStartMs(): number {
    if (this.#startedCount === this.#load.userCount) return Number.POSITIVE_INFINITY;
    return userStartMs(this.#startedCount, this.#load);
  }

  get #nextWakeMs(): number {
    return this.#sleeperCount === 0 ? Number.POSITIVE_INFINITY : this.#wakeAtMs[this.#oldest]!;
  }
}
