import type { ResponseReader } from "../../../server/sending/response-reader.ts";
import { Connection, type Outcome } from "./connection.ts";
import { LoadRecord } from "./load-record.ts";
import { paymentBody, postsWith } from "./payment-request.ts";
import { NO_CONNECTION, type Schedule } from "./schedule.ts";
import { ThreadPacer } from "./thread-pacer.ts";

export type LoadOptions = {
  readonly target: URL;
  readonly schedule: Schedule;
  /** Of the next payment; all of them are equally long. The contest's if there is none. */
  readonly nextBody?: () => string;
  /** The next payment's whole request instead, where more than its body differs from payment to payment. */
  readonly nextRequest?: (() => string) | undefined;
  /** From its sending; then a payment counts as failed. */
  readonly timeoutMs: number;
  /** When every payment is due, where a thread shall keep the time (see ThreadPacer) and not a timer of 1 ms. */
  readonly exactDueMs?: Float64Array<SharedArrayBuffer> | undefined;
  /** See Connection. */
  readonly idleMsMax?: number;
  /** Called with every answer, which is there until this returns. */
  readonly onAnswer?: (reader: ResponseReader) => void;
};

/** How often payments that are out for too long are looked for. */
const SWEEP_MS = 50;
/** For connections to open, and a pacing thread to start, which takes some 30 ms. */
const LEAD_MS = 100;
const NOTHING_OUT = -1;

/**
 * Pays as its schedule says, and keeps what becomes of it. A payment that is due is sent, late or not, and the
 * schedule hears of every end. Ends by itself when nothing is out and nothing is due any more.
 *
 *   schedule ── nextDueMs ──► timer or thread ──► send ──► connection ──► settle ──► record
 *      ▲                                                                    │
 *      └──────────────────────────── ended ─────────────────────────────────┘
 */
export class LoadGenerator {
  readonly record: LoadRecord;
  readonly #options: LoadOptions;
  readonly #schedule: Schedule;
  readonly #connections: Connection[] = [];
  /** One for each connection, made with it: no closure for every payment. */
  readonly #settlers: ((outcome: Outcome, reader: ResponseReader) => void)[] = [];
  /** The payment that is out on each connection. */
  readonly #paymentOn: number[] = [];
  readonly #nextRequest: () => string;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};
  #fail: (error: unknown) => void = () => {};
  #pacer: ThreadPacer | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer that is set will go off; infinite: none is set. */
  #timerAtMs = Number.POSITIVE_INFINITY;
  #sweep: NodeJS.Timeout | undefined;
  #beganAtMs = 0;
  #inFlightCount = 0;
  #isClosed = false;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#schedule = options.schedule;
    this.record = new LoadRecord(options.schedule.expectedCount);
    this.#nextRequest = options.nextRequest ?? postsWith(options.target, options.nextBody ?? paymentBody);
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  /** From the beginning of the load, in milliseconds; negative before it. */
  get nowMs(): number {
    return performance.now() - this.#beganAtMs;
  }

  /** As many as there ever were. */
  get connectionCount(): number {
    return this.#connections.length;
  }

  /**
   * Resolves when the load is over or called off. Rejects when the pacing thread has died, or there are too many
   * payments.
   */
  async run(): Promise<LoadRecord> {
    const { connectionsAhead } = this.#schedule;
    for (let i = 0; i < connectionsAhead; i++) this.#connection(i).open();
    this.#beganAtMs = performance.now() + (connectionsAhead > 0 ? LEAD_MS : 0);
    this.#sweep = setInterval(() => this.#endOverdue(), SWEEP_MS);
    const { exactDueMs } = this.#options;
    if (exactDueMs !== undefined) {
      const listener = { onDue: this.#sendDue, onEnd: this.#onPacerEnd, onError: this.#fail };
      this.#pacer = new ThreadPacer(exactDueMs, this.#beganAtMs, listener);
    }
    this.#sendDue();
    try {
      await this.#ended;
    } finally {
      this.close();
    }
    return this.record;
  }

  /** Also calls off a load that is under way; its run ends then, what is out has no outcome. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#sweep);
    this.#pacer?.stop();
    for (const connection of this.#connections) connection.close();
    this.#end();
  }

  /** Hot. */
  readonly #sendDue = (): void => {
    if (this.#isClosed) return;
    try {
      let nowMs = this.nowMs;
      while (this.#schedule.nextDueMs <= nowMs) {
        this.#send(this.#schedule.nextDueMs, nowMs);
        nowMs = this.nowMs;
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#setTimer();
    this.#endIfDone();
  };

  #send(dueMs: number, nowMs: number): void {
    const connection = this.#schedule.takeNext();
    const payment = this.record.add(dueMs);
    if (connection === NO_CONNECTION) {
      this.record.failed(payment, "no free connection", nowMs);
      return;
    }
    this.record.sent(payment, nowMs);
    this.#inFlightCount++;
    const chosen = this.#connection(connection);
    this.#paymentOn[connection] = payment;
    chosen.send(this.#nextRequest(), this.#settlers[connection]!);
  }

  /** Numbers come one after the other, so that there is never a gap. */
  #connection(number: number): Connection {
    while (this.#connections.length <= number) {
      const added = this.#connections.length;
      this.#connections.push(new Connection(this.#options.target, this.#options.idleMsMax));
      this.#settlers.push((outcome, reader) => this.#settle(added, outcome, reader));
      this.#paymentOn.push(NOTHING_OUT);
    }
    return this.#connections[number]!;
  }

  /** Hot. */
  #settle(connection: number, { status, durationMs, error }: Outcome, reader: ResponseReader): void {
    const nowMs = this.nowMs;
    const payment = this.#paymentOn[connection]!;
    this.#paymentOn[connection] = NOTHING_OUT;
    this.#inFlightCount--;
    // The sweep is coarse, the limit is not: an answer that comes between the two counts as none.
    if (error !== null) this.record.failed(payment, error, nowMs);
    else if (this.#isOverdue(payment, nowMs)) this.record.failed(payment, "timeout", nowMs);
    else {
      this.record.answered(payment, status, durationMs, nowMs);
      this.#options.onAnswer?.(reader);
    }
    this.#schedule.ended(connection, nowMs);
    // A user of a closed loop pays again at once. Otherwise the timer that is set comes first.
    if (this.#schedule.nextDueMs <= nowMs) this.#sendDue();
    else this.#setTimer();
    this.#endIfDone();
  }

  /** No more than one timer, and none where a thread keeps the time. */
  #setTimer(): void {
    const dueMs = this.#schedule.nextDueMs;
    if (this.#pacer !== undefined || this.#isClosed || dueMs >= this.#timerAtMs) return;
    clearTimeout(this.#timer);
    this.#timerAtMs = dueMs;
    this.#timer = setTimeout(this.#onTimer, Math.max(0, dueMs - this.nowMs));
  }

  /** Whatever is not due yet by our own clock is left to timers. */
  readonly #onPacerEnd = (): void => {
    this.#pacer = undefined;
    this.#sendDue();
  };

  readonly #onTimer = (): void => {
    this.#timerAtMs = Number.POSITIVE_INFINITY;
    this.#sendDue();
  };

  #endIfDone(): void {
    if (this.#inFlightCount === 0 && this.#schedule.nextDueMs === Number.POSITIVE_INFINITY) this.#end();
  }

  #isOverdue(payment: number, nowMs: number): boolean {
    return nowMs - this.record.sentAtMs(payment) > this.#options.timeoutMs;
  }

  #endOverdue(): void {
    const nowMs = this.nowMs;
    for (const [connection, payment] of this.#paymentOn.entries()) {
      if (payment !== NOTHING_OUT && this.#isOverdue(payment, nowMs)) this.#connections[connection]!.timeOut();
    }
  }
}
