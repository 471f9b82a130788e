import type { Logger } from "pino";
import type { Engine } from "../../core/engine.ts";
import type { Following, Store } from "../store/store.ts";
import type { Time, Timer } from "../system/time.ts";
import type { LedgerAhead } from "./partition.ts";

/** So few records behind, a reader has caught up. */
const CAUGHT_UP_RECORDS = 1000;
const AGAIN_MS = 50;
/** What is not taken over by then is dropped. */
const KEPT_MS = 15_000;

export type ReadingAlongParts = {
  store: Store;
  time: Time;
  logger: Logger;
  refusalOfSize: (paymentsExpected: number) => string | undefined;
  newEngine: (partition: number, capacity: number) => Engine;
};

type Reader = LedgerAhead & { untilMs: number; timer: Timer | undefined; reading: Promise<unknown>; isBroken: boolean };

/** Partitions that others carry and are about to leave to this instance: their logs are read while they are written. */
export class ReadingAlong {
  readonly #parts: ReadingAlongParts;
  readonly #readers = new Map<number, Reader>();
  readonly #closing = new AbortController();

  constructor(parts: ReadingAlongParts) {
    this.#parts = parts;
  }

  /** True once all but the last records have been read; they are read on until the partition is taken. */
  async begin(partition: number): Promise<boolean> {
    const { store, time, logger, refusalOfSize, newEngine } = this.#parts;
    this.drop(partition);
    let following: Following | undefined;
    try {
      const { capacity, paymentsExpected } = await store.sizeOf(partition);
      const refusal = refusalOfSize(paymentsExpected);
      if (refusal !== undefined) {
        logger.error({ partition: partition + 1 }, `a partition is not taken over: ${refusal}`);
        return false;
      }
      const engine = newEngine(partition, capacity);
      following = store.follow(partition, engine.ledger);
      if (following === undefined) return false;
      const untilMs = time.monotonicMs() + KEPT_MS;
      const reader = { engine, following, untilMs, timer: undefined, reading: Promise.resolve(), isBroken: false };
      while ((await following.catchUp(this.#closing.signal)) > CAUGHT_UP_RECORDS);
      this.#readers.set(partition, reader);
      this.#readOn(partition, reader);
      return true;
    } catch (error) {
      following?.close();
      if (!this.#closing.signal.aborted)
        logger.warn({ err: error, partition: partition + 1 }, "a partition cannot be read while another carries it");
      return false;
    }
  }

  /** The reader of a partition that is about to be carried here; its log is read by nobody else from here on. */
  async take(partition: number): Promise<LedgerAhead | undefined> {
    const reader = this.#readers.get(partition);
    if (reader === undefined) return undefined;
    this.#readers.delete(partition);
    reader.timer?.cancel();
    await reader.reading;
    if (!reader.isBroken) return reader;
    reader.following.close();
    return undefined;
  }

  drop(partition: number): void {
    const reader = this.#readers.get(partition);
    this.#readers.delete(partition);
    reader?.timer?.cancel();
    reader?.following.close();
  }

  close(): void {
    this.#closing.abort();
    for (const partition of [...this.#readers.keys()]) this.drop(partition);
  }

  #readOn(partition: number, reader: Reader): void {
    reader.timer = this.#parts.time.after(AGAIN_MS, () => {
      if (this.#parts.time.monotonicMs() > reader.untilMs) {
        this.drop(partition);
        return;
      }
      reader.reading = reader.following.catchUp(this.#closing.signal).catch(() => {
        reader.isBroken = true;
        this.drop(partition);
      });
      void reader.reading.then(() => {
        if (this.#readers.get(partition) === reader) this.#readOn(partition, reader);
      });
    });
  }
}
