import { expect } from "chai";
import { Random } from "../support/random.ts";
import { VirtualTime } from "../support/virtual-time.ts";
import type { DatabaseClient } from "./database-client.ts";
import { VirtualDatabase } from "./virtual-database.ts";

const CALL_TIMEOUT_MS = 1000;
const PARTITION_COUNT = 3;
const ONE = { number: 0, life: "one", address: "tcp:a:1", renewal: "r0" };
const TWO = { number: 1, life: "two", address: "tcp:b:1", renewal: "r0" };
export const CLAIMANT = { life: "one", processors: ["default"], capacity: 8 };

/** A database, and two who ask it. */
export class DatabaseBench {
  readonly time = new VirtualTime();
  readonly database: VirtualDatabase;
  readonly one: DatabaseClient;
  readonly two: DatabaseClient;

  constructor(random = new Random(1), isSynchronous = true) {
    const after = (delayMs: number, run: () => void): void => void this.time.after(delayMs, run);
    this.database = new VirtualDatabase({
      partitionCount: PARTITION_COUNT,
      random,
      wallMs: () => this.time.wallMs(),
      after,
      callTimeoutMs: CALL_TIMEOUT_MS,
      isSynchronous,
    });
    this.one = this.database.client({ instance: 0, settleLater: after });
    this.two = this.database.client({ instance: 1, settleLater: after });
  }

  /** The first one has partition 0. */
  async claimed(): Promise<this> {
    await this.of(this.one.join(ONE));
    await this.of(this.two.join(TWO));
    expect(await this.of(this.one.claim(0, CLAIMANT))).to.include({ epoch: 1, head: 0 });
    return this;
  }

  /** What a call ends with, in virtual time. */
  async of<T>(call: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => {
      isOver = true;
    };
    call.then(end, end);
    for (let turn = 0; turn < 10_000 && !isOver; turn++) await this.pass(1);
    expect(isOver, "a call ends").to.equal(true);
    return call;
  }

  async pass(ms: number): Promise<void> {
    await this.time.passUntil(this.time.nowMs + ms);
  }
}
