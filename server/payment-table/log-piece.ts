import { RecordBatch } from "../../core/log/record.ts";
import { fill } from "../lease/chunk-reader.ts";
import type { Chunk, Database } from "../lease/database.ts";
import { inSlices } from "../system/in-slices.ts";
import type { Time } from "../system/time.ts";
import { RowFold } from "./row-fold.ts";

/** Records taken in at once: well below a millisecond. */
const BATCH_RECORDS = 512;

/** A piece of a partition's log, whole chunks, that follows on what the table has. */
export class LogPiece {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
  readonly fold: RowFold;
  readonly #chunks: readonly Chunk[];
  readonly #names: ReadonlyMap<number, readonly string[]>;
  readonly #time: Time;
  readonly #batch = new RecordBatch(BATCH_RECORDS);

  private constructor(
    partition: number,
    chunks: readonly Chunk[],
    names: ReadonlyMap<number, readonly string[]>,
    time: Time,
  ) {
    const [first] = chunks;
    const last = chunks.at(-1)!;
    this.partition = partition;
    this.from = first!.lsn;
    this.to = last.lsn + last.recordCount;
    this.bytes = chunks.reduce((sum, { records }) => sum + records.length, 0);
    this.fold = new RowFold(partition);
    this.#chunks = chunks;
    this.#names = names;
    this.#time = time;
  }

  /**
   * Reads about `bytesMax` from `from` on. Undefined: there is nothing yet. "gap": the log does not begin there any
   * more. Rejects where it is not in order.
   */
  static async read(
    { database, time, names }: { database: Database; time: Time; names: EpochNames },
    partition: number,
    from: number,
    bytesMax: number,
  ): Promise<LogPiece | "gap" | undefined> {
    const chunks = await database.chunks(partition, from, bytesMax);
    if (chunks.length === 0) return undefined;
    let lsn = from;
    for (const chunk of chunks) {
      if (chunk.lsn !== lsn) return "gap";
      lsn += chunk.recordCount;
    }
    const piece = new LogPiece(partition, chunks, await names.of(partition, chunks), time);
    await piece.#each((batch, record) => piece.fold.look(batch, record));
    return piece;
  }

  /** Once the rows that are needed have been put. */
  async apply(): Promise<void> {
    await this.#each((batch, record, names) => this.fold.apply(batch, record, names));
  }

  #each(take: (batch: RecordBatch, record: number, names: readonly string[]) => void): Promise<void> {
    return inSlices(this.#steps(take), this.#time);
  }

  *#steps(take: (batch: RecordBatch, record: number, names: readonly string[]) => void): Generator<void, void, void> {
    const batch = this.#batch;
    for (const { lsn, epoch, recordCount, records } of this.#chunks) {
      const names = this.#names.get(epoch)!;
      for (let first = 0; first < recordCount; first += batch.count) {
        fill(batch, records, first, recordCount);
        for (let record = 0; record < batch.count; record++) {
          if (!batch.isSound(record, lsn + first + record))
            throw new Error(`a record must be sound: partition=${this.partition + 1} lsn=${lsn + first + record}`);
          take(batch, record, names);
        }
        yield;
      }
    }
  }
}

/** The processors' names by epoch, asked for once. */
export class EpochNames {
  readonly #database: Database;
  readonly #known = new Map<number, ReadonlyMap<number, readonly string[]>>();

  constructor(database: Database) {
    this.#database = database;
  }

  async of(partition: number, chunks: readonly Chunk[]): Promise<ReadonlyMap<number, readonly string[]>> {
    let names = this.#known.get(partition);
    const isKnown = ({ epoch }: Chunk): boolean => names?.has(epoch) === true;
    if (!chunks.every(isKnown)) names = await this.#database.names(partition);
    const unknown = chunks.find((chunk) => !isKnown(chunk));
    if (unknown)
      throw new Error(`an epoch's processors must be known: partition=${partition + 1} epoch=${unknown.epoch}`);
    this.#known.set(partition, names!);
    return names!;
  }

  forget(partition: number): void {
    this.#known.delete(partition);
  }
}
