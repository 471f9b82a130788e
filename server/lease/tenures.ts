import type { Logger } from "pino";
import type { Time } from "../system/time.ts";
import type { Census, Database, Tenure } from "./database.ts";

type Held = { since: number; heldFromMs: number };

/**
 * The partitions that this instance has in the database, as far as it was told. The census says what is so: what it has
 * no more is lost; what it has without knowing, because an answer or a release was lost, is given back.
 */
export class Tenures {
  readonly #database: Database;
  readonly #time: Time;
  readonly #logger: Logger;
  readonly #held = new Map<number, Held>();
  /** Claims under way, by partition. */
  readonly #claiming = new Set<number>();

  constructor(database: Database, time: Time, logger: Logger) {
    this.#database = database;
    this.#time = time;
    this.#logger = logger;
  }

  /** Nothing of the partition is taken for left over while it is being claimed. */
  async claiming<T>(partition: number, claim: () => Promise<T>): Promise<T> {
    this.#claiming.add(partition);
    try {
      return await claim();
    } finally {
      this.#claiming.delete(partition);
    }
  }

  began({ partition, since }: Tenure): void {
    this.#held.set(partition, { since, heldFromMs: this.#time.monotonicMs() });
  }

  /** Gives a partition back. Where that fails, the next census shows it, and it is tried again. */
  async release(tenure: Tenure): Promise<void> {
    if (this.#held.get(tenure.partition)?.since === tenure.since) this.#held.delete(tenure.partition);
    await this.#database.release(tenure).catch((error: Error) => {
      const fields = { err: error, partition: tenure.partition + 1 };
      this.#logger.warn(fields, "a partition could not be released yet");
    });
  }

  /** All of them are lost; returns which. */
  clear(): number[] {
    const partitions = [...this.#held.keys()];
    this.#held.clear();
    return partitions;
  }

  /** What is lost, by the census that `life` asked for at `sentAtMs` (monotonic). What is left over is released. */
  compare({ owners }: Census, life: string, sentAtMs: number): number[] {
    for (const [partition, owner] of owners.entries()) {
      if (owner?.life !== life || this.#claiming.has(partition)) continue;
      if (this.#held.get(partition)?.since !== owner.since) void this.release({ partition, since: owner.since });
    }
    const lost = [...this.#held].flatMap(([partition, { since, heldFromMs }]) => {
      const isNews = heldFromMs < sentAtMs;
      const owner = owners[partition];
      return isNews && (owner?.life !== life || owner.since !== since) ? [partition] : [];
    });
    for (const partition of lost) this.#held.delete(partition);
    return lost;
  }
}
