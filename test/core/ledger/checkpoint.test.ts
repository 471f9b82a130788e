import { expect } from "chai";
import { CheckpointCut } from "../../../core/ledger/checkpoint.ts";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { Replay } from "../../../core/ledger/replay.ts";
import { NOT_FOUND_SLOT } from "../../../core/ledger/uuid-index.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import * as Kind from "../../../core/log/record-kind.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { Book, RandomLife } from "../../support/book.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { forSeeds, type Random } from "../../support/random.ts";
import { DEFAULT } from "../../support/terms.ts";

/** A checkpoint being taken of a book that goes on. */
class Checkpoint {
  readonly cut: CheckpointCut;
  readonly #book: Book;
  readonly #records: Uint8Array[] = [];

  constructor(book: Book) {
    this.#book = book;
    this.cut = new CheckpointCut(book.ledger);
  }

  slice(rowCountMax: number): void {
    const batch = new RecordBatch(rowCountMax + 1);
    this.cut.cut(batch, this.#book.log.length, rowCountMax);
    batch.seal(this.#records.length);
    for (let i = 0; i < batch.count; i++) {
      this.#records.push(batch.bytes.slice(i * RECORD_BYTES, (i + 1) * RECORD_BYTES));
    }
  }

  /** All slices that are left, with nothing in between. */
  finish(rowCountMax = 100): void {
    while (!this.cut.isDone) this.slice(rowCountMax);
  }

  get batch(): RecordBatch {
    const batch = new RecordBatch(this.#records.length);
    this.#records.forEach((bytes, record) => {
      batch.bytes.set(bytes, record * RECORD_BYTES);
    });
    batch.refill(this.#records.length);
    return batch;
  }

  /** A ledger made of the checkpoint and of the log from `first` on. */
  recovered(first: number): { ledger: Ledger; replay: Replay } {
    const ledger = new Ledger(this.#book.ledger.rows.capacity, 0xfeed, this.#book.ledger.processorCount);
    const replay = new Replay(ledger);
    expect(replay.feedCheckpoint(this.batch, 0)).to.equal(undefined);
    expect(replay.isCheckpointWhole).to.equal(true);
    replay.startSegment({ firstLsn: first, version: 1, boundMs: 0 });
    const count = this.#book.log.length - first;
    expect(replay.feedSegment(this.#book.batchFrom(first))).to.deep.equal({ soundCount: count });
    expect(replay.lsn).to.equal(this.#book.log.length);
    return { ledger, replay };
  }
}

/** Payment `sequence`, charged. */
function charge(book: Book, sequence: number, atMs: number, elapsedMs = 0): void {
  book.write(Kind.SENDING, sequence, atMs, { processor: DEFAULT });
  book.write(Kind.PROCESSED, sequence, atMs + elapsedMs, { outcome: Outcome.CHARGED });
}

/**
 * A random life with a checkpoint taken in its middle, slice by slice between its events; undefined if it went stale.
 */
function lifeWithCheckpoint(random: Random, hasPurges: boolean) {
  const life = new RandomLife(random);
  life.hasPurges = hasPurges;
  for (let step = random.below(600); step > 0; step--) life.step();
  const checkpoint = new Checkpoint(life.book);
  const first = random.chance(0.5) ? life.book.log.length : random.below(life.book.log.length + 1);
  while (!checkpoint.cut.isDone) {
    for (let step = random.below(20); step > 0; step--) life.step();
    if (checkpoint.cut.isStale) return undefined;
    checkpoint.slice(random.between(1, 40));
  }
  for (let step = random.below(600); step > 0; step--) life.step();
  return { life, ...checkpoint.recovered(first) };
}

describe("checkpoint", () => {
  it("holds the ledger, and the log after it the rest", () => {
    const book = new Book(8);
    for (let n = 0; n < 4; n++) book.accept(n, uuid(n), 100 + n, n);
    charge(book, 0, 10, 5);
    const checkpoint = new Checkpoint(book);
    checkpoint.finish(3);
    const first = book.log.length;
    charge(book, 1, 20);
    book.accept(4, uuid(4), 104, 30);
    const { ledger } = checkpoint.recovered(first);
    expect([ledger.tail, ledger.head, ledger.rows.cents[ledger.find(uuid(4))]]).to.deep.equal([0, 5, 104]);
    expect([ledger.rows.requestedAtMs(0), ledger.rows.processedAtMs(0)]).to.deep.equal([NOON_MS + 10, NOON_MS + 15]);
  });

  it("may be of an empty ledger whose sequence has moved on", () => {
    const book = new Book(4);
    book.accept(0, uuid(0), 1, 0);
    book.write(Kind.PURGED, 1, 1);
    const checkpoint = new Checkpoint(book);
    checkpoint.finish();
    const first = book.log.length;
    book.accept(1, uuid(1), 1, 2);
    const { ledger } = checkpoint.recovered(first);
    expect([ledger.tail, ledger.head, ledger.find(uuid(1))]).to.deep.equal([1, 2, 1]);
  });

  it("is stale when what it was to hold was purged or evicted before it was cut", () => {
    const book = new Book(4);
    for (let n = 0; n < 3; n++) book.accept(n, uuid(n), 1, 0);
    const checkpoint = new Checkpoint(book);
    expect(checkpoint.cut.isStale).to.equal(false);
    charge(book, 0, 1);
    book.write(Kind.EVICTED, 1, 2);
    expect(checkpoint.cut.isStale).to.equal(true);
  });

  it("is right whatever happens between its slices, from any record before it on", () => {
    let wholeCount = 0;
    forSeeds(150, (random) => {
      const outcome = lifeWithCheckpoint(random, false);
      if (outcome === undefined) return;
      wholeCount++;
      outcome.life.expectSame(outcome.ledger);
    });
    expect(wholeCount).to.be.above(process.env["TEST_SEED"] === undefined ? 75 : -1);
  });

  it("is right with purges before, between and after its slices", () => {
    forSeeds(150, (random) => {
      const outcome = lifeWithCheckpoint(random, true);
      outcome?.life.expectSame(outcome.ledger);
    });
  });

  it("keeps what was accepted after a purge that is in the log before its first slice", () => {
    const book = new Book(8);
    book.accept(0, uuid(0), 1, 0);
    book.write(Kind.PURGED, 1, 1);
    book.accept(1, uuid(1), 1, 2);
    const checkpoint = new Checkpoint(book);
    checkpoint.finish();
    const { ledger } = checkpoint.recovered(0);
    expect([ledger.size, ledger.find(uuid(1)), ledger.find(uuid(0))]).to.deep.equal([1, 1, NOT_FOUND_SLOT]);
  });

  it("tells the latest time of its payments, which is never in the future", () => {
    forSeeds(100, (random) => {
      const outcome = lifeWithCheckpoint(random, false);
      if (outcome === undefined) return;
      expect(outcome.replay.latestMs).to.be.within(outcome.life.latestMs, outcome.life.nowMs);
    });
  });

  it("tells no time of a payment that had its row before", () => {
    const book = new Book(1);
    book.accept(0, uuid(0), 1, 0);
    charge(book, 0, 60_000, 5000);
    book.write(Kind.EVICTED, 1, 70_000);
    book.accept(1, uuid(1), 1, 70_000);
    const checkpoint = new Checkpoint(book);
    checkpoint.finish();
    expect(checkpoint.recovered(book.log.length).replay.latestMs).to.equal(NOON_MS + 70_000);
  });
});

describe("replay", () => {
  it("stops at the first record that is not sound, and says how many were", () => {
    const book = new Book(8);
    for (let n = 0; n < 5; n++) book.accept(n, uuid(n), 1, n);
    for (let damaged = 0; damaged < 5; damaged++) {
      const batch = book.batchFrom(0);
      batch.bytes[damaged * RECORD_BYTES + 30]! ^= 4;
      const ledger = new Ledger(8, 1, 2);
      expect(new Replay(ledger).feedSegment(batch)).to.deep.equal({ soundCount: damaged });
      expect(ledger.size).to.equal(damaged);
    }
  });

  it("goes on where it was over several batches, and takes no batch out of order", () => {
    const book = new Book(8);
    for (let n = 0; n < 4; n++) book.accept(n, uuid(n), 1, n);
    const replay = new Replay(new Ledger(8, 1, 2));
    const first = book.batchFrom(0);
    first.refill(2);
    expect(replay.feedSegment(first)).to.deep.equal({ soundCount: 2 });
    expect(replay.feedSegment(book.batchFrom(3))).to.deep.equal({ soundCount: 0 });
    expect(replay.feedSegment(book.batchFrom(2))).to.deep.equal({ soundCount: 2 });
    expect([replay.lsn, replay.latestMs]).to.deep.equal([4, NOON_MS + 3]);
  });

  it("says what is wrong with records that do not follow each other, or do not fit", () => {
    const book = new Book(8);
    for (let n = 0; n < 4; n++) book.accept(n, uuid(n), 1, n);
    const small = new Replay(new Ledger(3, 1, 2)).feedSegment(book.batchFrom(0));
    expect(small).to.deep.equal({ soundCount: 3, problem: "the journal's payments must fit CAPACITY: capacity=3" });
    const replay = new Replay(new Ledger(8, 1, 2));
    const later = book.batchFrom(2);
    later.seal(0);
    expect(replay.feedSegment(later).problem).to.match(/^payments are accepted in sequence: sequence=2 head=0/);
  });

  it("refuses a checkpoint that is damaged, too large, or goes on after its end", () => {
    const book = new Book(8);
    for (let n = 0; n < 4; n++) book.accept(n, uuid(n), 1, n);
    const checkpoint = new Checkpoint(book);
    checkpoint.finish(3);
    const fed = (capacity: number, change: (batch: RecordBatch) => void) => {
      const batch = checkpoint.batch;
      change(batch);
      return new Replay(new Ledger(capacity, 1, 2)).feedCheckpoint(batch, 0);
    };
    expect(fed(8, () => {})).to.equal(undefined);
    expect(fed(3, () => {})).to.equal("the checkpoint must fit CAPACITY: capacity=3");
    for (let record = 0; record < checkpoint.batch.count; record++) {
      const problem = fed(8, (batch) => {
        batch.bytes[record * RECORD_BYTES + 41]! ^= 1;
      });
      expect(problem).to.equal(`a checkpoint's records must be sound: record=${record}`);
    }
    const twice = new Replay(new Ledger(8, 1, 2));
    twice.feedCheckpoint(checkpoint.batch, 0);
    const more = checkpoint.batch;
    more.seal(more.count);
    expect(twice.feedCheckpoint(more, more.count)).to.equal(`nothing follows the last slice: record=${more.count}`);
  });

  it("does not take a checkpoint without its end for whole", () => {
    const book = new Book(8);
    for (let n = 0; n < 4; n++) book.accept(n, uuid(n), 1, n);
    const checkpoint = new Checkpoint(book);
    checkpoint.finish(3);
    for (let count = 0; count < checkpoint.batch.count; count++) {
      const batch = checkpoint.batch;
      batch.refill(count);
      const replay = new Replay(new Ledger(8, 1, 2));
      expect(replay.feedCheckpoint(batch, 0)).to.equal(undefined);
      expect(replay.isCheckpointWhole).to.equal(false);
    }
  });
});
