import { appendFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { CHECKPOINT, type JournalHeader } from "../../../core/log/journal-header.ts";
import { JournalDirectory } from "../../../server/journal/journal-directory.ts";
import { RecoveryError } from "../../../server/journal/recovery-error.ts";
import {
  directoryOf,
  inDirectory,
  JournalLife,
  OWNER,
  portrait,
  restart,
  tidyNow,
} from "../../support/journal-life.ts";
import { MemoryDisk } from "../../support/memory-disk.ts";
import { forSeeds, Random } from "../../support/random.ts";
import { StorageLife } from "../../support/storage-life.ts";
import { toVersion1 } from "../../support/version-1-journal.ts";

const NEWEST = "segment-0000000003.journal";

/** What the first version left: a checkpoint and the segments after it. */
function oldJournal(path: string, random: Random): JournalLife {
  const life = new JournalLife(path, random);
  for (let segment = 1; segment <= 3; segment++) {
    if (segment > 1) life.rotate();
    if (segment === 2) life.checkpointNow();
    life.live(40);
  }
  life.close();
  toVersion1(directoryOf(path));
  return life;
}

function versions(directory: JournalDirectory): number[] {
  const files = directory.files().sort((a, b) => a.number - b.number || b.kind - a.kind);
  return files.map(({ header }) => (header as JournalHeader).version);
}

describe("a journal of version 1", () => {
  it("is replayed", () => {
    forSeeds(20, (random) =>
      inDirectory((path) => {
        const life = oldJournal(path, random);
        expect(versions(directoryOf(path))).to.deep.equal([1, 1, 1]);
        const { ledger, recovered } = restart(path);
        expect(portrait(ledger)).to.deep.equal(portrait(life.ledger));
        expect(recovered).to.deep.include({ nextNumber: 4, epoch: 0, lsn: life.journal.lsn });
        expect(recovered.latestMs).to.equal(life.latestMs);
      }),
    );
  });

  it("is continued in version 2, and checkpointed", () => {
    forSeeds(20, (random) =>
      inDirectory((path) => {
        oldJournal(path, random);
        const life = new JournalLife(path, random, { from: restart(path) });
        life.live(60);
        expect(versions(directoryOf(path))).to.deep.equal([1, 1, 1, 2]);
        expect(portrait(restart(path).ledger)).to.deep.equal(portrait(life.ledger));
        life.rotate();
        life.live(20);
        life.checkpointNow();
        life.live(20);
        life.close();
        expect(versions(directoryOf(path))).to.deep.equal([2, 2]);
        const { ledger, recovered } = restart(path);
        expect(portrait(ledger)).to.deep.equal(portrait(life.ledger));
        expect(recovered).to.deep.include({ epoch: 1, lsn: life.journal.lsn });
        expect(recovered.latestMs).to.equal(life.latestMs);
      }),
    );
  });

  it("has its torn end cut off, and damage refused, where its records are", () =>
    inDirectory((path) => {
      const life = oldJournal(path, new Random(3));
      const newest = join(path, NEWEST);
      const whole = readFileSync(newest);
      appendFileSync(newest, "torn");
      const { ledger, recovered } = restart(path);
      expect(recovered.torn).to.deep.equal({ name: NEWEST, fileBytes: whole.length + 4, soundBytes: whole.length });
      expect(portrait(ledger)).to.deep.equal(portrait(life.ledger));
      tidyNow(directoryOf(path), recovered);
      expect(restart(path).recovered.torn).to.equal(undefined);
      const damaged = Buffer.from(whole);
      damaged[48 + 20]! ^= 1;
      writeFileSync(newest, damaged);
      expect(() => restart(path)).to.throw(RecoveryError, `file=${NEWEST} offset=48`);
      truncateSync(newest, 47);
      expect(restart(path).recovered).to.deep.include({ nextNumber: 3 });
    }));

  it("had two processors: where they are not configured it is refused", () =>
    inDirectory((path) => {
      oldJournal(path, new Random(4));
      expect(() => restart(path, { ...OWNER, processors: ["a", "b", "c"] })).to.throw(
        RecoveryError,
        "must be configured, by its name",
      );
    }));

  it("is taken over with fsync: none of its segments is trusted, and a checkpoint replaces them", async () => {
    const disk = new MemoryDisk();
    const old = new StorageLife();
    await old.start(disk, { syncs: false });
    for (let turn = 0; turn < 12; turn++) await old.turn([turn]);
    const directory = new JournalDirectory(disk, "/data/partition-1");
    toVersion1(directory);
    disk.endProcess();

    const life = new StorageLife(old.acknowledged);
    await life.start(disk);
    expect(life.found).to.deep.equal(portrait(old.engine.ledger));
    for (let turn = 12; turn < 60; turn++) await life.turn([turn]);
    const files = directory.files();
    expect(files.filter(({ kind }) => kind === CHECKPOINT)).to.have.length(1);
    expect(new Set(versions(directory))).to.deep.equal(new Set([2]));
    disk.losePower();
    const after = new StorageLife(life.acknowledged);
    await after.start(disk);
    expect([after.missing, after.acknowledged.size]).to.deep.equal([[], 60]);
  });
});
