import type { EngineOptions } from "../../core/engine.ts";
import type { RecordBatch } from "../../core/log/record.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { DoubtDesk } from "../../server/doubts/doubt-desk.ts";
import { DoubtDesks } from "../../server/doubts/doubt-desks.ts";
import type { DoubtListing } from "../../server/doubts/doubt-listing.ts";
import { Meters } from "../../server/meters/meters.ts";
import { PartitionMap } from "../../server/partition/partition-map.ts";
import { PaymentBody } from "../../server/payments/payment-body.ts";
import { PaymentService } from "../../server/payments/payment-service.ts";
import { RealTime } from "../../server/system/time.ts";
import { SlewedClock } from "../../server/turn/clock.ts";
import { GroupCommit } from "../../server/turn/group-commit.ts";
import type { RecordLog } from "../../server/turn/record-log.ts";
import { EngineLife, NOON_MS } from "./engine-life.ts";
import { logOf } from "./memory-log.ts";
import { VirtualTime } from "./virtual-time.ts";

/** A log whose disk may be full. */
class TestLog implements RecordLog {
  readonly kinds: number[] = [];
  isFull = false;
  lsn = 0;

  append(batch: RecordBatch): Error | undefined {
    if (this.isFull) return new Error("no space");
    this.lsn += batch.count;
    for (let record = 0; record < batch.count; record++) this.kinds.push(batch.kind(record));
    return undefined;
  }

  probe(): boolean {
    return !this.isFull;
  }

  sync(): void {}

  close(): void {}
}

/** An engine with payments in doubt, its desk, and what is written and logged; times in milliseconds since noon. */
export class DoubtLife extends EngineLife {
  readonly disk = new TestLog();
  readonly meters = new Meters(2);
  readonly logged: string[];
  readonly commit: GroupCommit;
  readonly service: PaymentService;
  readonly desk: DoubtDesk;
  readonly desks: DoubtDesks;
  /** What the clock says. */
  nowMs = 0;

  constructor(options: Partial<EngineOptions> = {}) {
    super(options);
    const { log, lines } = logOf();
    this.logged = lines;
    const time = new VirtualTime();
    time.monotonicMs = () => this.nowMs;
    time.wallMs = () => NOON_MS + this.nowMs;
    const clock = new SlewedClock(time);
    this.commit = new GroupCommit({
      engine: this.engine,
      log: this.disk,
      syncs: false,
      time: new RealTime(),
      logger: log.logger,
      meters: this.meters.journal,
    });
    const { engine, commit, meters } = this;
    const books = { engine, clock, commit, meters, log };
    this.service = new PaymentService({ ...books, body: new PaymentBody() });
    const { service } = this;
    this.desk = new DoubtDesk({ ...books, service });
    const { desk } = this;
    const carried = { partitionCount: 1, at: () => ({ desk }), carried: () => [{ books }] };
    this.desks = new DoubtDesks(carried, new PartitionMap(1));
  }

  /**
   * Accepts and sends a payment at `atMs`; a millisecond later its attempt has ended in `outcome`. Returns the slot.
   */
  doubtful(atMs: number, correlationId: string, outcome = Outcome.UNCLEAR): number {
    const slot = this.accept(atMs, correlationId, 1990);
    this.settle(atMs + 1, this.send(atMs), outcome);
    this.#write(atMs + 1);
    return slot;
  }

  /** The same for many, sent at `intervalMs` before any of them ends. */
  manyDoubtful(correlationIds: readonly string[], intervalMs: number, outcome = Outcome.UNCLEAR): void {
    const flights = correlationIds.map((correlationId, n) => {
      this.accept(n * intervalMs, correlationId, 1990);
      return this.send(n * intervalMs);
    });
    const endMs = correlationIds.length * intervalMs;
    for (const flight of flights) this.settle(endMs, flight, outcome);
    this.#write(endMs);
  }

  /**
   * The processor is asked about the doubts until `times` answers have been of no use; returns when the last of them
   * came.
   */
  askInVain(times: number): number {
    let atMs = this.nowMs;
    for (let asked = 0; asked < times; asked++) {
      atMs = this.nextAskMs(atMs);
      this.settle(atMs, this.lastFlight, Outcome.UNREADABLE);
      this.#write(atMs);
    }
    return atMs;
  }

  lastFlight = -1;

  /** Begins the next request, whenever that is due; returns when it began. */
  nextAskMs(fromMs: number): number {
    for (let atMs = fromMs; atMs < fromMs + 60_000; atMs += 10) {
      this.lastFlight = this.engine.dispatch(NOON_MS + atMs);
      if (this.lastFlight < 0) continue;
      this.#write(atMs);
      return atMs;
    }
    throw new Error(`a request must be due: fromMs=${fromMs}`);
  }

  async list(limit = 100, offset = 0): Promise<DoubtListing> {
    return JSON.parse(await this.desks.list({ limit, offset })) as DoubtListing;
  }

  #write(atMs: number): void {
    this.nowMs = atMs;
    this.commit.commit();
  }
}
