import type { Following } from "../store/store.ts";
import type { ChunkReader } from "./chunk-reader.ts";
import type { Database } from "./database.ts";

/** Reads along the log that another carries. What was read may be taken back by a promotion: a claim finds that out. */
export class LeaseFollowing implements Following {
  readonly reader: ChunkReader;
  readonly #database: Database;
  #reading: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  constructor(reader: ChunkReader, database: Database) {
    this.reader = reader;
    this.#database = database;
  }

  /** One after another, where there are several calls. */
  catchUp(signal?: AbortSignal): Promise<number> {
    const read = this.#reading.then(() => this.#read(signal));
    this.#reading = read.catch(() => {});
    return read;
  }

  close(): void {
    this.#failure ??= new Error(`a log that is read along no longer: partition=${this.reader.partition + 1}`);
  }

  /** Gives the reader up to whoever goes on with it. */
  async handOver(): Promise<ChunkReader> {
    await this.#reading;
    if (this.#failure) throw this.#failure;
    this.#failure = new Error("a log is carried by who has read along");
    return this.reader;
  }

  async #read(signal: AbortSignal | undefined): Promise<number> {
    if (this.#failure) throw this.#failure;
    try {
      if (!this.reader.hasBegun) await this.#begin(signal);
      return await this.reader.readOn(signal);
    } catch (error) {
      // Given up in its midst, a reader does not know its place.
      this.#failure ??= error as Error;
      throw error;
    }
  }

  async #begin(signal: AbortSignal | undefined): Promise<void> {
    const { checkpoint } = await this.#database.outline(this.reader.partition);
    await this.reader.begin(checkpoint, signal);
  }
}
