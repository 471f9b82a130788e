import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import pino from "pino";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { RECORD_BYTES, RecordBatch } from "../../../core/log/record.ts";
import type { JournalClaim } from "../../../server/journal/journal-claim.ts";
import type { JournalStorage } from "../../../server/journal/journal-storage.ts";
import { JournalStore, type JournalStoreOptions } from "../../../server/journal/journal-store.ts";
import { LostFollowingError } from "../../../server/journal/recovery-error.ts";
import type { Disk } from "../../../server/system/disk.ts";
import { RealDisk } from "../../../server/system/real-disk.ts";
import { portrait } from "../../support/journal-life.ts";
import { MemoryDisk } from "../../support/memory-disk.ts";
import { NOON_MS, uuid } from "../../support/payments.ts";
import { TWO_NAMES } from "../../support/terms.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const CAPACITY = 64;
const logger = pino({ level: "silent" });
const onBroken = (error: Error): never => expect.fail(error.message);

function open(disk: Disk, options: Partial<JournalStoreOptions> = {}): Promise<JournalStore> {
  return JournalStore.open(
    { disk, time: new VirtualTime(), logger },
    {
      dataDir: "/data",
      partitionCount: undefined,
      instanceCount: 1,
      capacity: CAPACITY,
      processors: TWO_NAMES,
      segmentBytes: 1 << 20,
      syncs: false,
      ...options,
    },
  );
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "done",
    (error: Error) => error.message,
  );
}

function ledger(capacity = CAPACITY): Ledger {
  return new Ledger(capacity, 7, 2);
}

async function claimed(store: JournalStore, partition = 0): Promise<JournalClaim> {
  const claim = await store.claim(partition);
  if (!claim) throw new Error(`the partition must be free: partition=${partition}`);
  return claim;
}

/** Payments `first` … `first + count − 1` are accepted. */
function accept({ log }: JournalStorage, into: Ledger, first: number, count: number): void {
  const batch = new RecordBatch(count);
  for (let i = 0; i < count; i++) into.apply(batch, batch.appendAccepted(into.head, NOON_MS, uuid(first + i), 0, 1990));
  expect(log.append(batch)).to.equal(undefined);
}

/** A partition's journal with so many payments, as a carrier leaves it. */
async function left(store: JournalStore, partition: number, payments: number): Promise<void> {
  const own = ledger();
  const storage = await (await claimed(store, partition)).open(own, { onBroken });
  accept(storage, own, 0, payments);
  await storage.close();
}

describe("a store of journals", () => {
  describe("has as many partitions", () => {
    it("as are asked for, or else two, or else one for each instance", async () => {
      const counts = [{}, { instanceCount: 3 }, { partitionCount: 8, instanceCount: 3 }].map(async (options) => {
        return (await open(new MemoryDisk(), options)).partitionCount;
      });
      expect(await Promise.all(counts)).to.deep.equal([2, 3, 8]);
    });

    it("as the journals were made for, whatever their folders are called", async () => {
      const disk = new MemoryDisk();
      await left(await open(disk, { partitionCount: 5 }), 3, 1);
      expect((await open(disk)).partitionCount).to.equal(5);
      disk.rename("/data/partition-4", "/data/instance-4");
      expect((await open(disk)).partitionCount).to.equal(5);
    });

    it("and no other number once there are journals", async () => {
      const disk = new MemoryDisk();
      await left(await open(disk, { partitionCount: 2 }), 1, 1);
      expect(await refusal(open(disk, { partitionCount: 3 }))).to.equal(
        "PARTITIONS is fixed when a journal is made: PARTITIONS=3 journal=2 directory=/data/partition-2",
      );
      expect(await refusal(open(disk, { instanceCount: 3 }))).to.equal(
        "there are at least as many partitions as instances: 2 < 3 directory=/data/partition-2",
      );
      disk.rename("/data/partition-2", "/data/aside");
      await left(await open(disk, { partitionCount: 3 }), 2, 1);
      disk.rename("/data/aside", "/data/partition-2");
      expect(await refusal(open(disk))).to.equal(
        "journals of one DATA_DIR have one number of partitions: /data/partition-3=3 /data/partition-2=2",
      );
    });
  });

  describe("gives a partition", () => {
    it("to one at a time, opened or not, and again once it is given back", async () => {
      const disk = new MemoryDisk();
      const [one, other] = [await open(disk), await open(disk)];
      const claim = await claimed(one);
      expect(await other.claim(0)).to.equal(undefined);
      expect(await other.claim(1)).not.to.equal(undefined);
      const storage = await claim.open(ledger(), { onBroken });
      expect(await other.claim(0)).to.equal(undefined);
      await storage.close();
      const again = await claimed(other);
      await again.release();
      await (await claimed(one)).release();
      expect(await refusal(one.claim(2))).to.equal("a partition is 0 to 1: partition=2");
    });

    it("still, when it could not be opened: a ledger that is empty may do better", async () => {
      const disk = new MemoryDisk();
      await left(await open(disk), 0, 3);
      const store = await open(disk, { capacity: 2 });
      const claim = await claimed(store);
      expect(await refusal(claim.open(ledger(2), { onBroken }))).to.include("must fit CAPACITY: capacity=2");
      expect(await (await open(disk)).claim(0)).to.equal(undefined);
      const storage = await claim.open(ledger(claim.capacity), { onBroken });
      expect(storage.epoch).to.equal(2);
    });

    it("and says for how many payments it has room, never for less, and about how many it has", async () => {
      const disk = new MemoryDisk();
      const fresh = await claimed(await open(disk));
      expect([fresh.capacity, fresh.paymentsExpected]).to.deep.equal([CAPACITY, 0]);
      await fresh.release();
      await left(await open(disk), 0, 5);
      const small = await claimed(await open(disk, { capacity: 3 }));
      expect([small.capacity, small.paymentsExpected]).to.deep.equal([CAPACITY, Math.ceil(5 / 3)]);
      const storage = await small.open(ledger(), { onBroken });
      accept(storage, ledger(), 100, CAPACITY);
      await storage.close();
      const large = await claimed(await open(disk, { capacity: 100 }));
      expect([large.capacity, large.paymentsExpected]).to.deep.equal([100, Math.ceil((5 + CAPACITY) / 3)]);
    });
  });

  describe("with a journal of an earlier release", () => {
    async function former(disk: MemoryDisk): Promise<void> {
      await left(await open(disk), 0, 3);
      disk.rename("/data/partition-1", "/data/instance-1");
    }

    it("goes on in it, under its name and its lock: that release may be started once more", async () => {
      const disk = new MemoryDisk();
      await former(disk);
      disk.makeDirectory("/data/partition-1");
      const store = await open(disk, { syncs: true });
      const claim = await claimed(store);
      expect(await refusal(disk.lock("/data/instance-1"))).to.include("in use");
      expect(await store.claim(0)).to.equal(undefined);
      const own = ledger();
      await (await claim.open(own, { onBroken })).close();
      expect(own.size).to.equal(3);
      disk.losePower();
      const after = ledger();
      await (await claimed(await open(disk))).open(after, { onBroken });
      expect(after.size).to.equal(3);
    });

    it("leaves it alone while somebody has it", async () => {
      const disk = new MemoryDisk();
      await former(disk);
      const lock = await disk.lock("/data/instance-1");
      const store = await open(disk);
      expect(await store.claim(0)).to.equal(undefined);
      expect(disk.list("/data")).to.deep.equal(["instance-1"]);
      await lock.release();
      await claimed(store);
    });

    it("refuses to choose between two", async () => {
      const disk = new MemoryDisk();
      await former(disk);
      disk.rename("/data/instance-1", "/data/aside");
      await left(await open(disk), 0, 1);
      disk.rename("/data/aside", "/data/instance-1");
      const message = await refusal((await open(disk)).claim(0));
      const where = "directory=/data/partition-1 earlier=/data/instance-1";
      expect(message).to.equal(`a partition has one journal, but there are two: ${where}`);
    });

    it("has it for one of several that come at once", async () => {
      const folder = mkdtempSync(join(tmpdir(), "rinha-former-"));
      try {
        for (let round = 0; round < 20; round++) {
          const dataDir = join(folder, `${round}`);
          mkdirSync(dataDir);
          const stores = await Promise.all([1, 2, 3].map(() => open(new RealDisk(), { dataDir })));
          await left(stores[0]!, 0, 3);
          renameSync(join(dataDir, "partition-1"), join(dataDir, "instance-1"));
          const claims = (await Promise.all(stores.map((store) => store.claim(0)))).filter((claim) => claim);
          expect(claims.length).to.be.at.most(1);
          const claim = claims[0] ?? (await claimed(stores[1]!));
          expect(readdirSync(dataDir)).to.deep.equal(["instance-1"]);
          const own = ledger();
          await (await claim!.open(own, { onBroken })).close();
          expect(own.size).to.equal(3);
        }
      } finally {
        rmSync(folder, { recursive: true });
      }
    }).timeout(20_000);
  });

  describe("lets another read along", () => {
    it("and go on from there once the carrier has given it back", async () => {
      const disk = new MemoryDisk();
      const [one, other] = [await open(disk), await open(disk)];
      const [own, theirs] = [ledger(), ledger()];
      const following = other.follow(0, theirs);
      expect(await following.catchUp()).to.equal(0);
      const storage = await (await claimed(one)).open(own, { onBroken });
      accept(storage, own, 0, 3);
      expect(await following.catchUp()).to.equal(3);
      storage.log.rotate();
      accept(storage, own, 10, 4);
      expect(await Promise.all([following.catchUp(), following.catchUp()])).to.deep.equal([4, 0]);
      accept(storage, own, 20, 2);
      await storage.close();
      const next = await (await claimed(other)).open(theirs, { following, onBroken });
      expect(portrait(theirs)).to.deep.equal(portrait(own));
      expect([next.epoch, next.log.lsn, next.latestMs]).to.deep.equal([2, 9, NOON_MS]);
      expect(await refusal(following.catchUp())).to.include("carried by who has read along");
      accept(next, theirs, 30, 1);
      await next.close();
      const last = ledger();
      await (await claimed(one)).open(last, { onBroken });
      expect(portrait(last)).to.deep.equal(portrait(theirs));
    });

    it("only into its own ledger, and not once it is closed", async () => {
      const store = await open(new MemoryDisk());
      const following = store.follow(0, ledger());
      const claim = await claimed(store);
      const message = await refusal(claim.open(ledger(), { following, onBroken }));
      expect(message).to.include("a following is of this ledger and partition");
      following.close();
      expect(await refusal(following.catchUp())).to.include("read along no longer");
    });

    it("again after it was given up for a while", async () => {
      const disk = new MemoryDisk();
      await left(await open(disk), 0, 40);
      const time = new VirtualTime();
      let nowMs = 0;
      time.monotonicMs = () => {
        nowMs += 1000;
        return nowMs;
      };
      time.atEndOfTurn = (run) => queueMicrotask(run);
      const surroundings = { disk, time, logger };
      const options = { dataDir: "/data", partitionCount: 2, instanceCount: 1, processors: TWO_NAMES };
      const sizes = { capacity: CAPACITY, segmentBytes: 1 << 20, chunkRecords: 7, syncs: false };
      const store = await JournalStore.open(surroundings, { ...options, ...sizes });
      const own = ledger();
      const following = store.follow(0, own);
      const stopping = new AbortController();
      time.atEndOfTurn = (run) => {
        if (own.head >= 14) stopping.abort();
        queueMicrotask(run);
      };
      expect(await refusal(following.catchUp(stopping.signal))).to.include("aborted");
      expect(own.head).to.equal(14);
      expect(await following.catchUp()).to.equal(26);
      expect(own.head).to.equal(40);
    });

    it("until a gap: then the claim can be opened without it", async () => {
      const disk = new MemoryDisk();
      const store = await open(disk);
      await left(store, 0, 3);
      const theirs = ledger();
      const following = store.follow(0, theirs);
      await following.catchUp();
      const claim = await claimed(store);
      const file = disk.open("/data/partition-1/segment-0000000001.journal");
      file.truncate(file.bytes - RECORD_BYTES);
      const error = await claim.open(theirs, { following, onBroken }).catch((reason: Error) => reason);
      expect(error).to.be.instanceOf(LostFollowingError);
      const own = ledger();
      await claim.open(own, { onBroken });
      expect(own.size).to.equal(2);
    });
  });

  it("with fsync leaves a journal of which the next carrier writes no payment anew", async () => {
    const disk = new MemoryDisk();
    const store = await open(disk, { syncs: true });
    await left(store, 0, 20);
    const written: string[] = [];
    disk.onOperation = (operation, path) => {
      if (operation === "write") written.push(path);
    };
    const claim = await claimed(store);
    disk.losePower();
    const own = ledger();
    await claim.open(own, { onBroken });
    expect(own.size).to.equal(20);
    expect(written.filter((path) => path.includes("segment-0000000001"))).to.deep.equal([]);
  });
});
