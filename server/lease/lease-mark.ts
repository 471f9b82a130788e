import type { Logger } from "pino";
import type { Mark, RestoredMark } from "../store/restored-mark.ts";
import type { Time } from "../system/time.ts";
import type { Database, RestoredSince, Tenure } from "./database.ts";

const AGAIN_MS = 500;

export type LeaseMarkParts = {
  database: Database;
  time: Time;
  logger: Logger;
  tenure: Tenure;
  /** Whether the partition is still carried in this tenure. */
  isCarried: () => boolean;
};

/** The mark of a partition by lease, as its claim told it: `npm run store -- restore` sets it for all of them. */
export class LeaseMark implements RestoredMark {
  readonly #restored: RestoredSince | undefined;
  readonly #parts: LeaseMarkParts;

  constructor(restored: RestoredSince | undefined, parts: LeaseMarkParts) {
    this.#restored = restored;
    this.#parts = parts;
  }

  read(): Mark | undefined {
    return this.#restored;
  }

  /** The claim has noted all there is to say. */
  write(): void {}

  remove(): void {
    void this.#remove();
  }

  /** Said again, it is the same: so an answer that was lost is asked for again. */
  async #remove(): Promise<void> {
    const { database, time, logger, tenure, isCarried } = this.#parts;
    const partition = tenure.partition + 1;
    while (isCarried()) {
      try {
        await database.endRestored(tenure);
        logger.info({ partition }, "the partition is marked as restored no longer");
        return;
      } catch (error) {
        logger.warn({ err: error, partition }, "the mark of restored data could not be removed: it is tried again");
        await time.pause(AGAIN_MS);
      }
    }
  }
}
