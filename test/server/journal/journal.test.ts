import { pbkdf2 } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { HEADER_BYTES } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import { Journal, type JournalOptions } from "../../../server/journal/journal.ts";
import { FencedError } from "../../../server/turn/record-log.ts";
import { directoryOf, inDirectory, NEW_JOURNAL, OWNER, restart, unexpected } from "../../support/journal-life.ts";
import { SmallDisk, WHY_NO_DISK } from "../../support/journal-tmpfs.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";

const OPTIONS: JournalOptions = {
  ...OWNER,
  segmentBytes: HEADER_BYTES + 10 * RECORD_BYTES,
  capacity: 0,
  syncsSegments: false,
  nowMs: () => NOON_MS,
  onBroken: unexpected,
};

/** `count` acceptances from `sequence` on. */
function acceptances(sequence: number, count: number): RecordBatch {
  const batch = new RecordBatch(count);
  for (let i = 0; i < count; i++) batch.appendAccepted(sequence + i, NOON_MS, uuid(sequence + i), 0, 1);
  return batch;
}

function open(path: string, options: Partial<JournalOptions> = {}): Journal {
  return new Journal(directoryOf(path), NEW_JOURNAL, { ...OPTIONS, ...options });
}

describe("journal", () => {
  it("writes batches one after another, and numbers their records", () => {
    inDirectory((path) => {
      const journal = open(path);
      expect(journal.append(acceptances(0, 3))).to.equal(undefined);
      expect(journal.append(acceptances(3, 2))).to.equal(undefined);
      expect([journal.lsn, journal.segmentBytes]).to.deep.equal([5, HEADER_BYTES + 5 * RECORD_BYTES]);
      journal.close();
      expect(restart(path).ledger.size).to.equal(5);
    });
  });

  it("goes on in a new segment when told to", () => {
    inDirectory((path) => {
      const journal = open(path);
      journal.append(acceptances(0, 10));
      expect(journal.isSegmentFull).to.equal(true);
      expect(journal.rotate()).to.equal(undefined);
      expect([journal.number, journal.isSegmentFull]).to.deep.equal([2, false]);
      journal.append(acceptances(10, 3));
      journal.close();
      expect(restart(path).ledger.size).to.equal(13);
    });
  });

  it("writes nothing once it is closed: its descriptor's number may be another file's by then", () => {
    inDirectory((path) => {
      const journal = open(path);
      expect(journal.append(acceptances(0, 3))).to.equal(undefined);
      journal.close();
      const other = openSync(join(path, "other"), "w");
      const refused = journal.append(acceptances(3, 2));
      expect([refused instanceof FencedError, journal.probe(), journal.lsn]).to.deep.equal([true, false, 3]);
      closeSync(other);
      expect(statSync(join(path, "other")).size).to.equal(0);
      rmSync(join(path, "other"));
      expect(restart(path).ledger.size).to.equal(3);
    });
  });

  it("never writes over a segment that is there", () => {
    inDirectory((path) => {
      open(path).close();
      expect(() => open(path)).to.throw("a segment is never written over");
      const journal = new Journal(directoryOf(path), { ...NEW_JOURNAL, nextNumber: 2 }, OPTIONS);
      writeFileSync(join(path, "segment-0000000003.journal"), "somebody else's");
      expect(journal.rotate()?.message).to.include("a segment is never written over");
      expect(readFileSync(join(path, "segment-0000000003.journal"), "utf8")).to.equal("somebody else's");
      expect(journal.append(acceptances(0, 1))).to.equal(undefined);
      expect(journal.number).to.equal(2);
      journal.close();
    });
  });

  it("may begin a new segment while the old one is still being made durable", () =>
    inDirectory(async (path) => {
      const journal = open(path, { syncsSegments: true });
      journal.append(acceptances(0, 3));
      // The threads that carry out the sync are busy, so it begins only after the segment has been left behind.
      const busy = Array.from({ length: 8 }, () => new Promise((done) => pbkdf2("", "", 50_000, 64, "sha512", done)));
      const durable = new Promise<Error | null>((resolve) => journal.sync(resolve));
      expect(journal.rotate()).to.equal(undefined);
      expect(await durable).to.equal(null);
      await Promise.all(busy);
      journal.close();
    }));

  describe("on a disk without room", () => {
    let disk: SmallDisk | undefined;

    before(function () {
      disk = SmallDisk.mount("1m");
      if (disk) return;
      console.log(WHY_NO_DISK);
      this.skip();
    });
    afterEach(() => {
      for (const name of disk ? readdirSync(disk.path) : []) rmSync(join(disk!.path, name), { recursive: true });
    });
    after(() => disk?.unmount());

    /** Fills the disk but for less than a page. */
    function fill(): string {
      const ballast = join(disk!.path, "ballast");
      for (let bytes = 1 << 20; bytes >= 4096; bytes /= 2) {
        try {
          writeFileSync(ballast, Buffer.alloc(bytes), { flag: "a" });
        } catch {
          // What did fit stays.
        }
      }
      return ballast;
    }

    it("refuses a batch whole, keeps what was written, and goes on when there is room", () => {
      const journal = open(disk!.path);
      expect(journal.append(acceptances(0, 20))).to.equal(undefined);
      const ballast = fill();
      let sequence = 20;
      let error: Error | undefined;
      // The rest of the last page still takes some; then a batch ends within one.
      for (; error === undefined && sequence < 1000; sequence += 30) error = journal.append(acceptances(sequence, 30));
      const refused = sequence - 30;
      expect((error as NodeJS.ErrnoException).code).to.equal("ENOSPC");
      expect(journal.lsn).to.equal(refused);
      const file = join(disk!.path, "segment-0000000001.journal");
      expect(statSync(file).size).to.equal(HEADER_BYTES + refused * RECORD_BYTES);
      expect(journal.probe()).to.equal(false);
      expect(statSync(file).size).to.equal(HEADER_BYTES + refused * RECORD_BYTES);
      expect(restart(disk!.path, undefined, 1000).recovered).to.deep.include({ lsn: refused, torn: undefined });

      rmSync(ballast);
      expect(journal.probe()).to.equal(true);
      expect(journal.append(acceptances(refused, 30))).to.equal(undefined);
      journal.close();
      expect(restart(disk!.path, undefined, 1000).ledger.size).to.equal(refused + 30);
    });

    it("refuses a batch of which only the first part fits", () => {
      const journal = open(disk!.path);
      const ballast = fill();
      const batch = acceptances(0, 4000);
      expect((journal.append(batch) as NodeJS.ErrnoException).code).to.equal("ENOSPC");
      expect(statSync(join(disk!.path, "segment-0000000001.journal")).size).to.equal(HEADER_BYTES);
      rmSync(ballast);
      expect(journal.append(batch)).to.equal(undefined);
      journal.close();
      expect(restart(disk!.path, undefined, 4000).ledger.size).to.equal(4000);
    });

    it("stays in the old segment when a new one cannot be begun, and leaves no half of one", () => {
      const journal = open(disk!.path);
      const ballast = fill();
      expect((journal.rotate() as NodeJS.ErrnoException).code).to.equal("ENOSPC");
      expect(journal.number).to.equal(1);
      expect(readdirSync(disk!.path)).to.have.members(["ballast", "segment-0000000001.journal"]);
      rmSync(ballast);
      expect(journal.rotate()).to.equal(undefined);
      journal.close();
    });
  });
});
