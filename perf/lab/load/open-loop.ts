import type { Outcome } from "./connection.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { LoadRecord } from "./load-record.ts";
import { type Pacer, type Pacing, ThreadPacer, TimerPacer } from "./pacer.ts";
import { paymentRequests } from "./payment-request.ts";

export type OpenLoopOptions = {
  readonly target: URL;
  /** See scheduleArrivals. */
  readonly dueMs: Float64Array<SharedArrayBuffer>;
  /** From its sending; then the request counts as failed. */
  readonly timeoutMs: number;
  readonly connectionCountMax: number;
  readonly pacing: Pacing;
};

/** Opened before the first request is due; enough for a service that answers in milliseconds. */
const CONNECTIONS_AHEAD = 32;
/** How often requests that are out for too long are looked for. */
const SWEEP_MS = 100;

/**
 * Pays on schedule, whatever the answers do: a service that stands still finds every payment waiting that was due meanwhile, and the
 * time from when each was due counts. Ends by itself, at the latest `timeoutMs` after the last payment.
 */
export class OpenLoop {
  readonly #options: OpenLoopOptions;
  readonly #record: LoadRecord;
  readonly #pool: ConnectionPool;
  readonly #pacer: Pacer;
  readonly #nextRequest: () => string;
  /** The request that is out on each connection; -1: none. */
  readonly #requestOn: Int32Array;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};
  #beganAtMs = 0;
  #next = 0;
  #inFlightCount = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: OpenLoopOptions) {
    this.#options = options;
    this.#record = new LoadRecord(options.dueMs);
    this.#pool = new ConnectionPool(options.target, options.connectionCountMax, this.#settle);
    let fail: (error: Error) => void = () => {};
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      fail = reject;
    });
    this.#pacer =
      options.pacing === "thread"
        ? new ThreadPacer(options.dueMs, this.#sendDue, fail)
        : new TimerPacer(options.dueMs, this.#sendDue);
    this.#nextRequest = paymentRequests(options.target);
    this.#requestOn = new Int32Array(options.connectionCountMax).fill(-1);
  }

  /** Rejects when the pacing thread has died. */
  async run(): Promise<LoadRecord> {
    this.#pool.open(CONNECTIONS_AHEAD);
    this.#sweep = setInterval(() => this.#endOverdue(), SWEEP_MS);
    this.#beganAtMs = this.#pacer.start();
    this.#endIfDone();
    try {
      await this.#ended;
    } finally {
      this.close();
    }
    return this.#record;
  }

  /** On performance.now's clock: the moment from which the record counts. */
  get beganAtMs(): number {
    return this.#beganAtMs;
  }

  get connectionCount(): number {
    return this.#pool.count;
  }

  /** Also calls off a load that is under way; its run ends then, what is out has no outcome. */
  close(): void {
    clearInterval(this.#sweep);
    this.#pacer.stop();
    this.#pool.close();
    this.#end();
  }

  /** Hot. Sends everything that is due, late or not. */
  readonly #sendDue = (): void => {
    const { dueMs, sentMs } = this.#record;
    let nowMs = performance.now() - this.#beganAtMs;
    while (this.#next < dueMs.length && dueMs[this.#next]! <= nowMs) {
      const request = this.#next++;
      const connection = this.#pool.send(this.#nextRequest());
      if (connection < 0) {
        this.#record.failed("no free connection");
      } else {
        sentMs[request] = nowMs;
        this.#requestOn[connection] = request;
        this.#inFlightCount++;
      }
      nowMs = performance.now() - this.#beganAtMs;
    }
    this.#endIfDone();
  };

  readonly #settle = (connection: number, { status, error }: Outcome): void => {
    const request = this.#requestOn[connection]!;
    this.#requestOn[connection] = -1;
    if (error === null) this.#record.answered(request, status, performance.now() - this.#beganAtMs);
    else this.#record.failed(error);
    this.#inFlightCount--;
    this.#endIfDone();
  };

  #endIfDone(): void {
    if (this.#next === this.#record.dueMs.length && this.#inFlightCount === 0) this.#end();
  }

  #endOverdue(): void {
    const overdueMs = performance.now() - this.#beganAtMs - this.#options.timeoutMs;
    for (let connection = 0; connection < this.#pool.count; connection++) {
      const request = this.#requestOn[connection]!;
      if (request >= 0 && this.#record.sentMs[request]! < overdueMs) this.#pool.timeOut(connection);
    }
  }
}
