import { RecordBatch } from "./record.ts";
import * as Kind from "./record-kind.ts";

/**
 * Batches kept to be used again. A new one costs the zeroing and the collection of all of its memory, so as many are
 * kept as a slow log has under way. But one that was filled further than this has taken so much of it from the system:
 * of these few are kept, and after a time of full ones their memory is given back.
 */
const SPARE_MAX = 8;
const FILLED_SPARE_MAX = 2;
const HARDLY_FILLED_RECORDS = 256;

/**
 * The records that the log does not have yet, in batches, oldest first. A log that answers at once needs one; with one
 * that answers later, more are filled while it works.
 *
 *   owed        refused once: only what had happened is left of them
 *   under way   the log has them, and has not answered
 *   current     being filled
 *
 * A batch that is written is used again. How many are under way is up to who hands them over.
 */
export class RecordBatches {
  readonly #capacity: number;
  readonly #spare: RecordBatch[] = [];
  readonly #underWay: RecordBatch[] = [];
  readonly #owed: RecordBatch[] = [];
  #writtenCount = 0;
  #current: RecordBatch;

  /** `capacity` in records of a batch. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#current = new RecordBatch(capacity);
  }

  /** Where records are appended. */
  get current(): RecordBatch {
    return this.#current;
  }

  /** What the log is to be given next; empty when there is nothing. */
  get next(): RecordBatch {
    return this.#owed[0] ?? this.#current;
  }

  /** Batches that the log has written so far. */
  get writtenCount(): number {
    return this.#writtenCount;
  }

  /** What `writtenCount` will have to exceed for the current batch to be written, unless any is refused before. */
  get currentNumber(): number {
    return this.#writtenCount + this.#underWay.length + this.#owed.length;
  }

  get underWayCount(): number {
    return this.#underWay.length;
  }

  /** The log has written `next`. Hot. */
  nextWritten(): void {
    this.#writtenCount++;
    const owed = this.#owed.shift();
    if (owed === undefined) this.#current.clear();
    else this.#recycle(owed);
  }

  /** The log has taken `next` and will answer later. */
  nextHandedOver(): void {
    const owed = this.#owed.shift();
    this.#underWay.push(owed ?? this.#current);
    if (owed === undefined) this.#current = this.#spare.pop() ?? new RecordBatch(this.#capacity);
  }

  /** The log has answered: the oldest batch under way is written. */
  oldestWritten(): void {
    this.#writtenCount++;
    this.#recycle(this.#underWay.shift()!);
  }

  /**
   * The log refused the oldest batch under way, or `next` if there is none, and with it all later ones: keeps of each
   * only what `isKept` names, to be written first when the log can be written again.
   */
  refused(isKept: (batch: RecordBatch, record: number) => boolean): void {
    const before = this.#underWay.splice(0);
    for (const batch of [...before, ...this.#owed, this.#current]) {
      if (batch.count > 0) batch.retain((record) => isKept(batch, record));
    }
    const owed = [...before, ...this.#owed.splice(0)];
    for (const batch of owed) {
      if (batch.count > 0) this.#owed.push(batch);
      // How far it was filled is not known any more.
      else this.#recycle(batch, batch.capacity);
    }
  }

  /** Calls back with every batch that has records, oldest first. */
  each(onBatch: (batch: RecordBatch) => void): void {
    for (const batch of this.#underWay) onBatch(batch);
    for (const batch of this.#owed) onBatch(batch);
    if (this.#current.count > 0) onBatch(this.#current);
  }

  /** The same, newest first. */
  eachNewestFirst(onBatch: (batch: RecordBatch) => void): void {
    const all: RecordBatch[] = [];
    this.each((batch) => all.push(batch));
    for (const batch of all.reverse()) onBatch(batch);
  }

  /** Sequence of the first payment whose acceptance the log does not have; `head` when it has all. */
  unwrittenFrom(head: number): number {
    let first = head;
    this.each((batch) => {
      for (let record = 0; record < batch.count && first === head; record++) {
        if (batch.kind(record) === Kind.ACCEPTED) first = batch.sequence(record);
      }
    });
    return first;
  }

  #recycle(batch: RecordBatch, filledCount = batch.count): void {
    const isHardlyFilled = filledCount <= HARDLY_FILLED_RECORDS;
    if (this.#spare.length >= (isHardlyFilled ? SPARE_MAX : FILLED_SPARE_MAX)) return;
    batch.clear();
    this.#spare.push(batch);
  }
}
