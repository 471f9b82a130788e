import { NO_CONNECTION, type Schedule } from "./schedule.ts";

/** A stretch of the load at a constant rate. */
export type RateStage = {
  readonly ratePerSecond: number;
  readonly durationMs: number;
};

/** Nobody needs more of one load, and its times are all kept in memory. */
const ARRIVAL_COUNT_MAX = 10_000_000;
/** Enough for a service that answers in milliseconds. */
const CONNECTIONS_AHEAD = 32;

/**
 * When each payment is due, in milliseconds from the beginning, ascending, in memory that threads can share. Known
 * before the first one leaves: nothing that happens to a payment can move the next (no coordinated omission).
 */
export function arrivalsMs(stages: readonly RateStage[]): Float64Array<SharedArrayBuffer> {
  for (const { ratePerSecond, durationMs } of stages) {
    if (!(ratePerSecond > 0 && durationMs >= 0)) {
      throw new Error(
        `a stage must have a rate and a duration: ratePerSecond=${ratePerSecond} durationMs=${durationMs}`,
      );
    }
  }
  const counts = stages.map(({ ratePerSecond, durationMs }) => Math.round((ratePerSecond * durationMs) / 1000));
  const count = counts.reduce((sum, one) => sum + one, 0);
  if (!(count <= ARRIVAL_COUNT_MAX)) {
    throw new Error(`a load must be bounded: requests=${count} max=${ARRIVAL_COUNT_MAX}`);
  }
  const dueMs = new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT));
  let at = 0;
  let stageStartMs = 0;
  for (const [i, { ratePerSecond, durationMs }] of stages.entries()) {
    for (let k = 0; k < counts[i]!; k++) dueMs[at++] = stageStartMs + (k * 1000) / ratePerSecond;
    stageStartMs += durationMs;
  }
  return dueMs;
}

/**
 * The open loop: payments are due at given times, whatever the answers do. The connection that was used last is used
 * first, so that a load uses no more of them than payments are out at once; a payment that finds none free has
 * failed.
 */
export class ArrivalSchedule implements Schedule {
  readonly dueMs: Float64Array<SharedArrayBuffer>;
  readonly connectionsAhead: number;
  readonly #connectionCountMax: number;
  readonly #free: number[];
  #connectionCount: number;
  #next = 0;

  /** `connectionsAhead`: open before the first payment is due. */
  constructor(
    dueMs: Float64Array<SharedArrayBuffer>,
    connectionCountMax: number,
    connectionsAhead = Math.min(CONNECTIONS_AHEAD, connectionCountMax),
  ) {
    this.dueMs = dueMs;
    this.#connectionCountMax = connectionCountMax;
    this.connectionsAhead = connectionsAhead;
    this.#connectionCount = this.connectionsAhead;
    this.#free = Array.from({ length: this.connectionsAhead }, (_, i) => i);
  }

  get expectedCount(): number {
    return this.dueMs.length;
  }

  get nextDueMs(): number {
    return this.#next < this.dueMs.length ? this.dueMs[this.#next]! : Number.POSITIVE_INFINITY;
  }

  takeNext(): number {
    this.#next++;
    const free = this.#free.pop();
    if (free !== undefined) return free;
    return this.#connectionCount < this.#connectionCountMax ? this.#connectionCount++ : NO_CONNECTION;
  }

  ended(connection: number): void {
    this.#free.push(connection);
  }
}
