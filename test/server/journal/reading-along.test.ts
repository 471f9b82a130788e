import { appendFileSync, truncateSync } from "node:fs";
import { expect } from "chai";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import { LogReader } from "../../../server/journal/log-reader.ts";
import { readAlong } from "../../../server/journal/reading-along.ts";
import { type Recovered, recoverInSteps } from "../../../server/journal/recover.ts";
import { LostFollowingError, RecoveryError } from "../../../server/journal/recovery-error.ts";
import { atOnce } from "../../../server/system/in-slices.ts";
import {
  CAPACITY,
  type CheckpointInSteps,
  contentsOf,
  directoryOf,
  inDirectory,
  JournalLife,
  OWNER,
  portrait,
  restart,
} from "../../support/journal-life.ts";
import { forSeeds, Random } from "../../support/random.ts";

/** Few, so that a reader is away in the middle of files. */
const CHUNK_RECORDS = 7;

/** Reads along step by step; a reader that is lost is followed by another. */
class Reader {
  lostCount = 0;
  reader: LogReader;
  readonly #path: string;
  #steps: Generator<void, void, void> | undefined;

  constructor(path: string) {
    this.#path = path;
    this.reader = this.#begin();
  }

  /** Takes so many steps. */
  step(count: number): void {
    for (let i = 0; i < count; i++) this.#catching(() => this.#step());
  }

  /** Reads all that is there. */
  catchUp(): void {
    this.#catching(() => {
      while (this.#steps) this.#step();
      atOnce(readAlong(this.reader));
    });
  }

  /** What the next carrier finds, having read along until now; from the start when this reader is lost. */
  claim(): { ledger: Ledger; recovered: Recovered } {
    this.catchUp();
    const { ledger } = this.reader;
    try {
      return { ledger, recovered: atOnce(recoverInSteps(this.reader)) };
    } catch (error) {
      if (!(error instanceof LostFollowingError)) throw error;
      this.#lose();
      const fresh = this.reader.ledger;
      return { ledger: fresh, recovered: atOnce(recoverInSteps(this.reader)) };
    }
  }

  #step(): void {
    this.#steps ??= readAlong(this.reader);
    if (this.#steps.next().done) this.#steps = undefined;
  }

  #catching(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof LostFollowingError)) throw error;
      this.#lose();
    }
  }

  #lose(): void {
    this.lostCount++;
    this.#steps = undefined;
    this.reader.close();
    this.reader = this.#begin();
  }

  #begin(): LogReader {
    return new LogReader(directoryOf(this.#path), new Ledger(CAPACITY, 7, 2), OWNER, CHUNK_RECORDS);
  }
}

/** A journal to which anything happens but damage, and a reader beside it. */
class FollowedLife {
  readonly reader: Reader;
  readonly #path: string;
  readonly #random: Random;
  #life: JournalLife;
  #checkpoint: CheckpointInSteps | undefined;

  constructor(path: string, random: Random) {
    this.#path = path;
    this.#random = random;
    this.#life = new JournalLife(path, random);
    this.reader = new Reader(path);
  }

  step(): void {
    const random = this.#random;
    if (random.chance(0.5)) this.#life.live(random.below(30));
    if (random.chance(0.1)) this.#life.rotate();
    if (random.chance(0.05)) this.#takeBack();
    if (this.#checkpoint) this.#goOn(this.#checkpoint);
    else if (random.chance(0.15)) this.#checkpoint = this.#life.checkpoint();
    if (random.chance(0.05)) this.#restart();
    if (random.chance(0.6)) this.reader.step(random.below(8));
  }

  /** The carrier dies, in the middle of a write or not; whoever has read along carries on, and another reads along. */
  takeOver(): void {
    this.#die();
    const before = contentsOf(this.#path);
    const fresh = restart(this.#path);
    const { ledger, recovered } = this.reader.claim();
    expect(portrait(ledger)).to.deep.equal(portrait(fresh.ledger));
    expect(recovered).to.deep.equal(fresh.recovered);
    expect(contentsOf(this.#path)).to.deep.equal(before);
    this.#life = new JournalLife(this.#path, this.#random, { from: { ledger, recovered } });
    const { lostCount } = this.reader;
    Object.assign(this, { reader: new Reader(this.#path) });
    this.reader.lostCount = lostCount;
  }

  close(): void {
    this.#life.close();
    this.reader.reader.close();
  }

  /** A write that fails in its middle: its whole records are read, and it is taken back. */
  #takeBack(): void {
    const { directory, journal, ledger } = this.#life;
    const path = directory.segmentPath(journal.number);
    const room = ledger.rows.capacity - ledger.size;
    const batch = new RecordBatch(CAPACITY);
    for (let i = 0; i < Math.min(room, 5); i++)
      batch.appendAccepted(ledger.head + i, this.#life.nowMs, this.#random.uuid(), 0, 1);
    batch.seal(journal.lsn);
    const bytes = this.#random.below(batch.count * RECORD_BYTES + 1);
    appendFileSync(path, batch.bytes.subarray(0, bytes));
    if (this.#random.chance(0.5)) this.reader.step(this.#random.below(8));
    truncateSync(path, journal.segmentBytes);
  }

  #goOn(checkpoint: CheckpointInSteps): void {
    const isOver = checkpoint.isStale || checkpoint.isDone;
    if (checkpoint.isStale) checkpoint.abandon();
    else if (checkpoint.isDone) checkpoint.finish(this.#random.chance(0.3));
    else checkpoint.step(this.#random.between(1, 20));
    if (isOver) this.#checkpoint = undefined;
  }

  /** Another carrier takes over at once, and the reader goes on. */
  #restart(): void {
    this.#die();
    if (this.#random.chance(0.5)) this.reader.step(this.#random.below(8));
    this.#life = new JournalLife(this.#path, this.#random, { from: restart(this.#path) });
  }

  #die(): void {
    const { directory, journal } = this.#life;
    this.#life.close();
    this.#checkpoint = undefined;
    const torn = this.#random.pick([0, 0, 1, RECORD_BYTES - 1]);
    // The first byte of a record that was never whole, or zeros.
    appendFileSync(directory.segmentPath(journal.number), new Uint8Array(torn).fill(this.#random.below(2)));
  }
}

describe("reading along a journal", () => {
  it("and going on from there gives what a replay from the start gives, whatever came between", () => {
    let lostCount = 0;
    let takeOverCount = 0;
    forSeeds(12, (random) => {
      inDirectory((path) => {
        const life = new FollowedLife(path, random);
        for (let step = 0; step < 120; step++) {
          life.step();
          if (!random.chance(0.05)) continue;
          takeOverCount++;
          life.takeOver();
        }
        lostCount += life.reader.lostCount;
        life.close();
      });
    });
    if (process.env["TEST_SEED"] === undefined) {
      expect(takeOverCount).to.be.above(30);
      expect(lostCount).to.be.within(5, 12 * 12);
    }
  });

  it("waits for the rest of a batch, and for the journal itself", () =>
    inDirectory((path) => {
      const reader = new Reader(`${path}/partition-1`);
      reader.catchUp();
      const life = new JournalLife(`${path}/partition-1`, new Random(1));
      reader.catchUp();
      expect(reader.reader.segment?.number).to.equal(1);
      life.accept();
      life.accept();
      life.batch.seal(0);
      const bytes = life.batch.bytes.slice(0, 2 * RECORD_BYTES);
      const file = life.directory.segmentPath(1);
      const counts = [RECORD_BYTES - 1, RECORD_BYTES + 1, 2 * RECORD_BYTES].map((end, i, ends) => {
        appendFileSync(file, bytes.subarray(ends[i - 1] ?? 0, end));
        reader.catchUp();
        return reader.reader.recordCount;
      });
      expect(counts).to.deep.equal([0, 1, 2]);
      expect(reader.lostCount).to.equal(0);
      life.close();
    }));

  it("goes on in a segment that a checkpoint has removed meanwhile, and ends where the next one is gone", () =>
    inDirectory((path) => {
      const life = new JournalLife(path, new Random(2));
      life.live(20);
      const [near, far] = [new Reader(path), new Reader(path)];
      near.catchUp();
      far.catchUp();
      life.live(20);
      life.rotate();
      near.catchUp();
      life.live(20);
      life.rotate();
      life.live(20);
      const checkpoint = life.checkpoint();
      while (!checkpoint.isDone) checkpoint.step(20);
      near.catchUp();
      checkpoint.finish();
      near.catchUp();
      expect([near.lostCount, near.reader.lsn]).to.deep.equal([0, life.journal.lsn]);
      expect(() => atOnce(readAlong(far.reader))).to.throw(LostFollowingError, "gone=segment-0000000001.journal");
      life.close();
      expect(portrait(near.claim().ledger)).to.deep.equal(portrait(life.ledger));
      far.reader.close();
    }));

  it("refuses what a start refuses", () =>
    inDirectory((path) => {
      const expected = { ...OWNER, partition: 1 };
      new JournalLife(path, new Random(3), { expected }).close();
      expect(() => new Reader(path).catchUp()).to.throw(RecoveryError, "the journal belongs to another partition");
    }));

  it("refuses at a take-over an end that is torn before another segment, as a start does", () =>
    inDirectory((path) => {
      const life = new JournalLife(path, new Random(4));
      life.live(20);
      appendFileSync(life.directory.segmentPath(1), "torn");
      life.rotate();
      life.live(20);
      const reader = new Reader(path);
      reader.catchUp();
      life.close();
      const why = "only the newest segment may end early: file=segment-0000000001.journal bytes=4";
      expect(() => reader.claim()).to.throw(RecoveryError, why);
      expect(() => restart(path)).to.throw(RecoveryError, why);
    }));
});
