import { setTimeout as sleep } from "node:timers/promises";
import type { Recorder } from "../contest/recorder.ts";
import { Connection, type Outcome } from "./connection.ts";
import { paymentRequests } from "./payment-request.ts";
import { LoadSchedule, type LoadShape } from "./user-schedule.ts";

/** How often requests that are out for too long are looked for. */
const SWEEP_MS = 50;

export type LoadOptions = LoadShape & {
  readonly target: URL;
  readonly timeoutMs: number;
};

/**
 * The virtual users: each one posts a payment, waits for the answer, sleeps, and posts the next. One timer drives them all.
 * Each has a connection of its own, as in k6, so the balancer sees as many connections as in the contest.
 */
export class Load {
  readonly #options: LoadOptions;
  readonly #recorder: Recorder;
  readonly #schedule: LoadSchedule;
  readonly #connections: Connection[];
  /** When each user's request went out, in milliseconds from the beginning; infinite while none is out. */
  readonly #sentAtMs: Float64Array;
  readonly #nextRequest: () => string;
  #beganAtMs = 0;
  #inFlightCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #onOver: (() => void) | undefined;

  constructor(options: LoadOptions, recorder: Recorder) {
    this.#options = options;
    this.#recorder = recorder;
    this.#schedule = new LoadSchedule(options);
    this.#connections = Array.from({ length: options.userCount }, () => new Connection(options.target));
    this.#sentAtMs = new Float64Array(options.userCount).fill(Number.POSITIVE_INFINITY);
    this.#nextRequest = paymentRequests(options.target);
  }

  get activeUserCount(): number {
    return this.#schedule.startedCount;
  }

  /** From the beginning of the load. */
  get nowMs(): number {
    return performance.now() - this.#beganAtMs;
  }

  /** Resolves when every payment has its answer, or has none in time, and its user has slept once more, as in k6. */
  async run(): Promise<void> {
    this.#beganAtMs = performance.now();
    this.#sweep = setInterval(() => this.#endOverdue(), SWEEP_MS);
    await new Promise<void>((resolve) => {
      this.#onOver = resolve;
      this.#sendDue();
    });
    await sleep(this.#options.sleepMs);
  }

  /** Also ends a run that is under way; what is out then has no outcome. */
  close(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    for (const connection of this.#connections) connection.close();
  }

  readonly #sendDue = (): void => {
    clearTimeout(this.#timer);
    const nowMs = this.nowMs;
    while (this.#schedule.nextDueMs <= nowMs) {
      const dueMs = this.#schedule.nextDueMs;
      this.#send(this.#schedule.takeNext(), dueMs);
    }
    const waitMs = this.#schedule.nextDueMs - nowMs;
    if (waitMs < Number.POSITIVE_INFINITY) this.#timer = setTimeout(this.#sendDue, waitMs);
    else if (this.#inFlightCount === 0) this.#onOver?.();
  };

  #send(user: number, dueMs: number): void {
    const nowMs = this.nowMs;
    this.#recorder.sent(nowMs - dueMs);
    this.#inFlightCount++;
    this.#sentAtMs[user] = nowMs;
    this.#connections[user]!.send(this.#nextRequest(), (outcome) => this.#settle(user, outcome));
  }

  #settle(user: number, outcome: Outcome): void {
    const nowMs = this.nowMs;
    const isInTime = nowMs - this.#sentAtMs[user]! <= this.#options.timeoutMs;
    this.#recorder.payment(isInTime ? outcome : { ...outcome, status: 0, error: outcome.error ?? "timeout" }, nowMs);
    this.#inFlightCount--;
    this.#sentAtMs[user] = Number.POSITIVE_INFINITY;
    this.#schedule.sleep(user, nowMs);
    this.#sendDue();
  }

  /** The sweep is coarse, the limit is not: an answer that comes between the two counts as none (see settle). */
  #endOverdue(): void {
    const overdueMs = this.nowMs - this.#options.timeoutMs;
    for (const [user, sentAtMs] of this.#sentAtMs.entries()) {
      if (sentAtMs < overdueMs) this.#connections[user]!.timeOut();
    }
  }
}
