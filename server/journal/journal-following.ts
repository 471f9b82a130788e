import type { Following } from "../store/store.ts";
import { inSlices } from "../system/in-slices.ts";
import type { Time } from "../system/time.ts";
import type { LogReader } from "./log-reader.ts";
import { readAlong } from "./reading-along.ts";

/** Reads along the journal that another carries, without its lock and without changing anything. */
export class JournalFollowing implements Following {
  readonly reader: LogReader;
  readonly #time: Time;
  /** What was begun and not finished, because it was given up for a while. */
  #steps: Generator<void, void, void> | undefined;
  #reading: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;

  constructor(reader: LogReader, time: Time) {
    this.reader = reader;
    this.#time = time;
  }

  /** One after another, where there are several calls. */
  catchUp(signal?: AbortSignal): Promise<number> {
    const read = this.#reading.then(() => this.#read(signal));
    this.#reading = read.catch(() => {});
    return read;
  }

  /** Nothing is read any more. */
  close(): void {
    this.#failure ??= new Error(`a journal that is read along no longer: directory=${this.reader.directory.path}`);
    this.#steps?.return();
    this.reader.close();
  }

  /** Reads what is there and gives its reader up to whoever goes on with it. */
  async handOver(signal?: AbortSignal): Promise<LogReader> {
    await this.catchUp(signal);
    this.#failure = new Error("a journal is carried by who has read along");
    return this.reader;
  }

  async #read(signal: AbortSignal | undefined): Promise<number> {
    const before = this.reader.recordCount;
    let isDone = false;
    while (!isDone) {
      if (this.#failure) throw this.#failure;
      // What was given up in its middle is finished first, and then what has come since.
      isDone = this.#steps === undefined;
      this.#steps ??= readAlong(this.reader);
      await this.#finishSteps(this.#steps, signal);
    }
    return this.reader.recordCount - before;
  }

  async #finishSteps(steps: Generator<void, void, void>, signal: AbortSignal | undefined): Promise<void> {
    try {
      await inSlices(this.#untilClosed(steps), this.#time, signal);
    } catch (error) {
      if (!signal?.aborted) this.#fail(error as Error);
      throw error;
    }
    this.#steps = undefined;
  }

  *#untilClosed(steps: Generator<void, void, void>): Generator<void, void, void> {
    while (!steps.next().done) {
      yield;
      if (this.#failure) throw this.#failure;
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.reader.close();
  }
}
