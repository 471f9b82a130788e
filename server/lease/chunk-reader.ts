import type { Ledger } from "../../core/ledger/ledger.ts";
import { Replay } from "../../core/ledger/replay.ts";
import { ProcessorNumbers } from "../../core/log/processor-numbers.ts";
import { BATCH_RECORDS, RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import { inSlices } from "../system/in-slices.ts";
import type { Time } from "../system/time.ts";
import { GROUPS_MAX } from "../turn/group-commit.ts";
import type { Checkpoint, Chunk, Database } from "./database.ts";

/** Records taken in at once: some hundred microseconds. */
const TAKEN_RECORDS = 1024;
/** Asked for at once. */
const FETCH_BYTES = 1 << 20;
/** No chunk is larger: all that can be under way to a log at a time. */
const CHUNK_BYTES_MAX = GROUPS_MAX * BATCH_RECORDS * RECORD_BYTES;

/** Thrown where a log cannot be read on from where a reader is. Beginning anew, with an empty ledger, helps. */
export class LostPlaceError extends Error {
  override readonly name = "LostPlaceError";
}

/** The end of what was read, to be recognised. */
type Place = { lsn: number; epoch: number; recordCount: number; seal: number };

/**
 * Reads a partition's log from the database into a ledger that is empty before: a checkpoint if there is one, then
 * chunk after chunk. It knows its place, so it can go on when there is more. Rejects where the log is not in order.
 */
export class ChunkReader {
  readonly ledger: Ledger;
  readonly numbers: ProcessorNumbers;
  readonly partition: number;
  readonly #database: Database;
  readonly #time: Time;
  readonly #fetchBytes: number;
  readonly #replay: Replay;
  readonly #batch = new RecordBatch(TAKEN_RECORDS);
  #names: ReadonlyMap<number, readonly string[]> = new Map();
  #place: Place | undefined;
  #hasBegun = false;
  #recordCount = 0;

  /** `processors`: names in the order of the numbers that the ledger has. */
  constructor(
    database: Database,
    partition: number,
    ledger: Ledger,
    processors: readonly string[],
    time: Time,
    fetchBytes = FETCH_BYTES,
  ) {
    this.#database = database;
    this.partition = partition;
    this.ledger = ledger;
    this.#time = time;
    this.#fetchBytes = fetchBytes;
    this.numbers = new ProcessorNumbers(processors);
    this.#replay = new Replay(ledger);
    ledger.beginReplay();
  }

  /** Number of the next record. */
  get lsn(): number {
    return this.#replay.lsn;
  }

  get checkpointLsn(): number {
    return this.#replay.checkpointLsn;
  }

  /** The latest time or watermark that was given out. */
  get latestMs(): number {
    return this.#replay.latestMs;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Begins with the checkpoint, or with the first record there was. */
  async begin(checkpoint: Checkpoint | undefined, signal?: AbortSignal): Promise<void> {
    this.#names = await this.#database.names(this.partition);
    if (checkpoint) await this.#readCheckpoint(checkpoint, signal);
    const { lsn: firstLsn, latestMs: boundMs } = checkpoint ?? { lsn: 0, latestMs: 0 };
    this.#replay.startSegment({ firstLsn, version: 2, boundMs });
    this.#hasBegun = true;
  }

  /** Reads all chunks that are there now; resolves with how many records those were. */
  async readOn(signal?: AbortSignal): Promise<number> {
    const before = this.#recordCount;
    while ((await this.#readSome(signal)) > 0);
    return this.#recordCount - before;
  }

  async #readSome(signal: AbortSignal | undefined): Promise<number> {
    signal?.throwIfAborted();
    const place = this.#place;
    // The place comes again, and the chunk after it must fit beside it: without one, the log ends here.
    const bytesMax = place ? place.recordCount * RECORD_BYTES + CHUNK_BYTES_MAX : this.#fetchBytes;
    const chunks = await this.#database.chunks(this.partition, place?.lsn ?? this.lsn, bytesMax);
    if (place !== undefined && !isPlace(chunks.shift(), place))
      throw new LostPlaceError(`a log is read on only from where it was: partition=${this.partition + 1}`);
    for (const chunk of chunks) await this.#take(chunk, signal);
    return chunks.length;
  }

  async #take(chunk: Chunk, signal: AbortSignal | undefined): Promise<void> {
    const { lsn, epoch, recordCount, records } = chunk;
    const known = this.lsn - lsn;
    if (known < 0 || (known > 0 && this.#place !== undefined) || recordCount * RECORD_BYTES !== records.length)
      throw this.#refusal(`chunks follow each other without a gap: chunk=${lsn} expected=${this.lsn}`);
    if (this.#place !== undefined && epoch < this.#place.epoch)
      throw this.#refusal(`no chunk of an earlier epoch follows a later one: chunk=${lsn} epoch=${epoch}`);
    await this.#useNamesOf(epoch);
    await inSlices(this.#feed(chunk, known), this.#time, signal);
    this.#place = placeOf(chunk);
  }

  *#feed({ recordCount, records }: Chunk, from: number): Generator<void, void, void> {
    const batch = this.#batch;
    for (let first = from; first < recordCount; first += batch.count) {
      fill(batch, records, first, recordCount);
      const { soundCount, problem } = this.#replay.feedSegment(batch);
      this.#recordCount += soundCount;
      if (problem !== undefined) throw this.#refusal(`${problem} lsn=${this.lsn}`);
      if (soundCount < batch.count) throw this.#refusal(`a record must be sound: lsn=${this.lsn}`);
      yield;
    }
  }

  async #readCheckpoint({ number, epoch }: Checkpoint, signal: AbortSignal | undefined): Promise<void> {
    await this.#useNamesOf(epoch);
    let first = 0;
    for (let index = 0; ; ) {
      signal?.throwIfAborted();
      const slices = await this.#database.slices(this.partition, number, index, this.#fetchBytes);
      if (slices.length === 0) break;
      for (const slice of slices) first = await inSlices(this.#feedSlice(slice, first), this.#time, signal);
      index += slices.length;
    }
    if (!this.#replay.isCheckpointWhole) throw this.#refusal(`a checkpoint must be whole: checkpoint=${number}`);
  }

  /** Returns the number of the next record of the checkpoint. */
  *#feedSlice(records: Uint8Array, first: number): Generator<void, number, void> {
    const batch = this.#batch;
    const recordCount = records.length / RECORD_BYTES;
    for (let record = 0; record < recordCount; record += batch.count) {
      fill(batch, records, record, recordCount);
      const problem = this.#replay.feedCheckpoint(batch, first + record);
      if (problem !== undefined) throw this.#refusal(problem);
      this.#recordCount += batch.count;
      yield;
    }
    return first + recordCount;
  }

  async #useNamesOf(epoch: number): Promise<void> {
    if (!this.#names.has(epoch)) this.#names = await this.#database.names(this.partition);
    const names = this.#names.get(epoch);
    if (names === undefined) throw this.#refusal(`an epoch's processors must be known: epoch=${epoch}`);
    this.#batch.processorNumbers = this.numbers.of(names);
  }

  #refusal(problem: string): Error {
    return new Error(`${problem} partition=${this.partition + 1}`);
  }
}

/** Puts the next of the `recordCount` records in `records` into the batch, from number `first` on: as many as fit. */
export function fill(batch: RecordBatch, records: Uint8Array, first: number, recordCount: number): void {
  const count = Math.min(batch.capacity, recordCount - first);
  batch.bytes.set(records.subarray(first * RECORD_BYTES, (first + count) * RECORD_BYTES));
  batch.refill(count);
}

function placeOf({ lsn, epoch, recordCount, records }: Chunk): Place {
  return { lsn, epoch, recordCount, seal: lastSeal(records) };
}

function isPlace(chunk: Chunk | undefined, place: Place): boolean {
  if (chunk === undefined) return false;
  const { lsn, epoch, recordCount, seal } = placeOf(chunk);
  return lsn === place.lsn && epoch === place.epoch && recordCount === place.recordCount && seal === place.seal;
}

function lastSeal(records: Uint8Array): number {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  return view.getInt32(records.length - RECORD_BYTES, true);
}
