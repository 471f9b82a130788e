import { randomUUID } from "node:crypto";
import { ArrivalSchedule, arrivalsMs } from "../load/arrival-schedule.ts";
import { LoadGenerator } from "../load/load-generator.ts";
import type { LoadRecord } from "../load/load-record.ts";
import { AMOUNT_TEXT } from "../load/payment-request.ts";

/** nginx has 4096 connections and needs two for a request. */
const CONNECTION_COUNT_MAX = 1024;
/** Longer than any answer may take: what comes of a payment is to be known. */
const TIMEOUT_MS = 10_000;

/** An open loop that may be ended before its time: what is out then still gets its answer. */
class EndableSchedule extends ArrivalSchedule {
  isOver = false;

  override get nextDueMs(): number {
    return this.isOver ? Number.POSITIVE_INFINITY : super.nextDueMs;
  }
}

/** Clients who pay on schedule, whatever the answers do, and never repeat anything. */
export class Payers {
  readonly #schedule: EndableSchedule;
  readonly #load: LoadGenerator;
  /** Of all that were sent, in order, after the one that the generator makes for its head. */
  readonly #correlationIds: string[] = [];
  readonly #ended: Promise<LoadRecord>;

  constructor(target: URL, ratePerSecond: number, durationMsMax: number) {
    const dueMs = arrivalsMs([{ ratePerSecond, durationMs: durationMsMax }]);
    this.#schedule = new EndableSchedule(dueMs, CONNECTION_COUNT_MAX);
    this.#load = new LoadGenerator({
      target,
      schedule: this.#schedule,
      timeoutMs: TIMEOUT_MS,
      exactDueMs: dueMs,
      idleMsMax: Number.POSITIVE_INFINITY,
      nextBody: () => this.#nextBody(),
    });
    this.#ended = this.#load.run();
    // Whoever waits for the end hears of it.
    this.#ended.catch(() => {});
  }

  /** From the beginning of the load. */
  get nowMs(): number {
    return this.#load.nowMs;
  }

  /** Resolves when every payment that is due has been sent and has its answer, or has none in time. */
  get ended(): Promise<LoadRecord> {
    return this.#ended;
  }

  /** Nothing is due from now on. */
  end(): Promise<LoadRecord> {
    this.#schedule.isOver = true;
    return this.#ended;
  }

  /** Calls it off. */
  close(): void {
    this.#load.close();
  }

  /** By the payment's number in the record; `undefined` for one that was not sent. */
  correlationIdsOf(record: LoadRecord): (string | undefined)[] {
    let sent = 0;
    return Array.from(record.sentMs, (sentMs) => (Number.isNaN(sentMs) ? undefined : this.#correlationIds[++sent]));
  }

  #nextBody(): string {
    const correlationId = randomUUID();
    this.#correlationIds.push(correlationId);
    return `{"correlationId":"${correlationId}","amount":${AMOUNT_TEXT}}`;
  }
}
