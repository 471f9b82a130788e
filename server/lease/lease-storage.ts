import type { Engine } from "../../core/engine.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { Storage, Writing } from "../store/store.ts";
import type { Claimed, Tenure } from "./database.ts";
import type { LeaseLog } from "./lease-log.ts";
import type { LeaseStoreParts } from "./lease-store-parts.ts";
import { SliceWriter } from "./slice-writer.ts";

/** A partition that this instance carries by its lease: the log being written, and its checkpoints. */
export class LeaseStorage implements Storage {
  readonly log: LeaseLog;
  readonly latestMs: number;
  readonly #claimed: Claimed;
  readonly #parts: LeaseStoreParts;
  #writer: SliceWriter | undefined;

  constructor(log: LeaseLog, claimed: Claimed, parts: LeaseStoreParts) {
    this.log = log;
    this.latestMs = log.latestMs;
    this.#claimed = claimed;
    this.#parts = parts;
  }

  get epoch(): number {
    return this.log.epoch;
  }

  beginUpkeep(engine: Engine, writing: Writing, meters: JournalMeters): void {
    const { checkpoint } = this.#claimed;
    this.#writer = new SliceWriter(this.log, { ...this.#parts, ledger: engine.ledger, writing, meters, checkpoint });
  }

  maintain(): void {
    this.#writer?.maintain();
  }

  async endUpkeep(): Promise<void> {
    await this.#writer?.close();
  }

  async close(): Promise<void> {
    await this.endUpkeep();
    this.log.close();
    await release(this.log.tenure, this.#parts);
  }
}

/** Gives a partition back. Where that fails, the next census shows that this instance has it and does not carry it. */
export async function release(tenure: Tenure, { database, logger }: LeaseStoreParts): Promise<void> {
  await database.release(tenure).catch((error: Error) => {
    const fields = { err: error, partition: tenure.partition + 1 };
    logger.warn(fields, "a partition could not be released yet");
  });
}
