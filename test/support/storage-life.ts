import type { Logger } from "pino";
import { Engine } from "../../core/engine.ts";
import { HEADER_BYTES } from "../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import { NO_FLIGHT } from "../../core/routing/flights.ts";
import { HealthSnapshot } from "../../core/routing/health-snapshot.ts";
import { Ways } from "../../core/routing/ways.ts";
import * as Outcome from "../../core/values/outcome.ts";
import type { JournalStorage } from "../../server/journal/journal-storage.ts";
import { JournalStore, type JournalStoreOptions } from "../../server/journal/journal-store.ts";
import { JournalMeters } from "../../server/meters/meters.ts";
import type { Disk } from "../../server/system/disk.ts";
import { portrait } from "./journal-life.ts";
import { uuid } from "./payments.ts";
import { TWO_NAMES, twoTerms } from "./terms.ts";
import { VirtualTime } from "./virtual-time.ts";
import { writingBy } from "./writing.ts";

const TURN_MS = 5;
const SENDS_PER_TURN = 3;

export type Line = { level: "info" | "warn" | "error"; text: string };

/** One life of an instance's engine and storage, as a process has them, turn by turn. */
export class StorageLife {
  readonly time = new VirtualTime();
  readonly meters = new JournalMeters();
  readonly lines: Line[] = [];
  readonly engine: Engine;
  /** Payments that were answered: their records are as durable as was asked for. */
  readonly acknowledged: Set<number>;
  storage!: JournalStorage;
  /** Of the ledger as it was found. */
  found: unknown;
  /** Why the process had to end. */
  broken: Error | undefined;
  #flights: number[] = [];

  constructor(acknowledged = new Set<number>()) {
    this.acknowledged = acknowledged;
    this.engine = new Engine(Ways.open(new HealthSnapshot(2), twoTerms(16)), {
      partition: 0,
      capacity: 4096,
      seed: 1,
      giveUpAfterMs: 3_600_000,
      settleWithinMs: 0,
      answerWithinMs: 2000,
      waitsForSlow: true,
    });
  }

  async start(disk: Disk, options: Partial<JournalStoreOptions> = {}): Promise<void> {
    const log = (level: Line["level"]) => (_fields: object, text?: string) =>
      this.lines.push({ level, text: text ?? String(_fields) });
    const logger = { info: log("info"), warn: log("warn"), error: log("error") } as unknown as Logger;
    const store = await JournalStore.open(
      { disk, time: this.time, logger },
      {
        dataDir: "/data",
        partitionCount: 2,
        instanceCount: 2,
        capacity: 4096,
        processors: TWO_NAMES,
        segmentBytes: HEADER_BYTES + 16 * RECORD_BYTES,
        syncs: true,
        ...options,
      },
    );
    const claim = await store.claim(0);
    if (!claim) throw new Error("the partition must be free");
    try {
      const onBroken = (error: Error): void => {
        this.broken ??= error;
      };
      this.storage = await claim.open(this.engine.ledger, { onBroken });
    } catch (error) {
      await claim.release();
      throw error;
    }
    this.found = portrait(this.engine.ledger);
    this.storage.beginUpkeep(
      this.engine,
      writingBy(() => this.write()),
      this.meters,
    );
    this.engine.resume(this.nowMs, this.storage.latestMs);
  }

  get nowMs(): number {
    return Math.max(this.time.wallMs(), this.storage.latestMs);
  }

  /**
   * Accepts payments and sends some; those sent in the turn before are charged. Answers are given once they are
   * durable.
   */
  async turn(payments: readonly number[]): Promise<void> {
    for (const payment of payments) this.accept(payment);
    for (const flight of this.#flights) this.engine.settle(flight, Outcome.CHARGED, this.nowMs);
    this.#flights = [];
    for (let sent = 0; sent < SENDS_PER_TURN; sent++) {
      const flight = this.engine.dispatch(this.nowMs);
      if (flight !== NO_FLIGHT) this.#flights.push(flight);
    }
    if (this.write()) {
      this.storage.log.sync((error) => {
        if (!error) for (const payment of payments) this.acknowledged.add(payment);
      });
    }
    await this.time.passUntil(this.time.nowMs + TURN_MS);
    await quiet();
  }

  accept(payment: number): void {
    this.engine.accept(uuid(payment), 0, 1990, this.nowMs);
  }

  write(): boolean {
    if (this.engine.batch.count === 0) return true;
    const error = this.storage.log.append(this.engine.batch);
    if (error) {
      this.engine.revert();
      // What was to be sent in this turn stays here.
      this.#flights = [];
      return false;
    }
    this.engine.batch.clear();
    this.storage.maintain();
    return true;
  }

  /** Payments that were answered and are not there. */
  get missing(): number[] {
    return [...this.acknowledged].filter((payment) => this.engine.ledger.find(uuid(payment)) < 0);
  }
}

/** Until every promise that can go on has done so. */
export function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
