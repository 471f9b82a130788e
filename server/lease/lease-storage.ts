import type { Engine } from "../../core/engine.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { Storage, Writing } from "../store/store.ts";
import type { Claimed } from "./database.ts";
import type { LeaseLog } from "./lease-log.ts";
import { LeaseMark } from "./lease-mark.ts";
import type { LeaseStoreParts } from "./lease-store-parts.ts";
import { SliceWriter } from "./slice-writer.ts";

/** A partition that this instance carries by its lease: the log being written, and its checkpoints. */
export class LeaseStorage implements Storage {
  readonly log: LeaseLog;
  readonly latestMs: number;
  readonly restoredMark: LeaseMark;
  readonly #claimed: Claimed;
  readonly #parts: LeaseStoreParts;
  #writer: SliceWriter | undefined;
  #isClosed = false;

  constructor(log: LeaseLog, claimed: Claimed, parts: LeaseStoreParts) {
    this.log = log;
    this.latestMs = log.latestMs;
    this.#claimed = claimed;
    this.#parts = parts;
    const { tenure } = log;
    this.restoredMark = new LeaseMark(claimed.restored, { ...parts, tenure, isCarried: () => !this.#isClosed });
  }

  get epoch(): number {
    return this.log.epoch;
  }

  beginUpkeep(engine: Engine, writing: Writing, meters: JournalMeters): void {
    const { checkpoint } = this.#claimed;
    this.#writer = new SliceWriter(this.log, { ...this.#parts, ledger: engine.ledger, writing, meters, checkpoint });
    this.#parts.projection?.begin(this.log);
  }

  maintain(): void {
    this.#writer?.maintain();
  }

  async endUpkeep(): Promise<void> {
    await Promise.all([this.#writer?.close(), this.#parts.projection?.end(this.log.partition)]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.endUpkeep();
    this.log.close();
    await this.#parts.tenures.release(this.log.tenure);
  }
}
