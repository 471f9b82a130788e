import { expect } from "chai";
import { Killed, MemoryDisk, type Operation } from "../../support/memory-disk.ts";
import { Random } from "../../support/random.ts";
import { quiet, StorageLife } from "../../support/storage-life.ts";

const TURNS = 20;
const PAYMENTS_PER_TURN = 4;

/**
 * Lets a whole life go by, or as much of one as there is before the process ends. Returns whether it went by to its
 * end.
 */
async function live(life: StorageLife, disk: MemoryDisk): Promise<boolean> {
  const killed = disk.killed();
  killed.catch(() => {});
  try {
    await Promise.race([life.start(disk), killed]);
    for (let turn = 0; turn < TURNS && !life.broken; turn++) {
      const first = turn * PAYMENTS_PER_TURN;
      await life.turn(Array.from({ length: PAYMENTS_PER_TURN }, (_, i) => first + i));
    }
  } catch (error) {
    if (!(error instanceof Killed) && !(error instanceof Fault) && error !== life.broken) throw error;
    return false;
  } finally {
    await quiet();
  }
  return life.broken === undefined;
}

class Fault extends Error {
  readonly code = "EIO";
}

/** Operations of a life in which nothing goes wrong. */
async function operationsOfALife(): Promise<Operation[]> {
  const disk = new MemoryDisk();
  const operations: Operation[] = [];
  disk.onOperation = (operation) => operations.push(operation);
  expect(await live(new StorageLife(), disk)).to.equal(true);
  return operations;
}

function killAt(disk: MemoryDisk, place: number): void {
  let count = 0;
  disk.onOperation = () => {
    if (count++ >= place) throw new Killed();
  };
}

function failAt(disk: MemoryDisk, place: number): void {
  let count = 0;
  disk.onOperation = () => {
    if (count++ === place) throw new Fault(`place=${place}`);
  };
}

async function forSeedsInTurn(seedCount: number, body: (random: Random) => Promise<void>): Promise<void> {
  for (let seed = 1; seed <= seedCount; seed++) {
    await body(new Random(seed)).catch((error: Error) => {
      throw new Error(`seed=${seed}: ${error.message}`, { cause: error });
    });
  }
}

async function restart(disk: MemoryDisk, acknowledged: Set<number>): Promise<StorageLife> {
  const life = new StorageLife(acknowledged);
  await life.start(disk);
  return life;
}

describe("storage with fsync", function () {
  this.timeout(120_000);
  let operations: Operation[] = [];

  before(async () => {
    operations = await operationsOfALife();
    for (const operation of ["rename", "remove", "syncData", "syncDirectory"]) expect(operations).to.include(operation);
  });

  it("keeps what it acknowledged when it is killed in any operation, and the power goes", async () => {
    for (let place = 0; place < operations.length; place++) {
      const random = new Random(place);
      const disk = new MemoryDisk();
      const life = new StorageLife();
      killAt(disk, place);
      await live(life, disk);
      disk.losePower(() => random.chance(0.5));
      const after = await restart(disk, life.acknowledged);
      expect(after.missing, `place=${place} ${operations[place]}`).to.deep.equal([]);
    }
  });

  it("keeps it when the next start is killed as well before the power goes", () =>
    forSeedsInTurn(100, async (random) => {
      const disk = new MemoryDisk();
      const life = new StorageLife();
      killAt(disk, random.below(operations.length));
      await live(life, disk);
      disk.endProcess();
      killAt(disk, random.below(30));
      await live(new StorageLife(life.acknowledged), disk);
      disk.losePower(() => random.chance(0.5));
      expect((await restart(disk, life.acknowledged)).missing).to.deep.equal([]);
    }));

  it("keeps it when one operation fails, its pages are lost, and the power goes", async () => {
    for (let place = 0; place < operations.length; place++) {
      const random = new Random(place);
      const disk = new MemoryDisk();
      const life = new StorageLife();
      failAt(disk, place);
      await live(life, disk);
      disk.losePower(() => random.chance(0.5));
      const after = await restart(disk, life.acknowledged);
      expect(after.missing, `place=${place} ${operations[place]}`).to.deep.equal([]);
    }
  });

  it("answers from nothing that a loss of power could take, whichever operation failed before", async () => {
    let endedCount = 0;
    for (let place = 0; place < operations.length; place++) {
      const random = new Random(place);
      const what = `place=${place} ${operations[place]}`;
      const disk = new MemoryDisk();
      const life = new StorageLife();
      failAt(disk, place);
      if (!(await live(life, disk))) endedCount++;
      disk.endProcess();
      const again = await restart(disk, life.acknowledged);
      expect(again.missing, what).to.deep.equal([]);
      disk.losePower(() => random.chance(0.5));
      const after = await restart(disk, life.acknowledged);
      expect(after.found, what).to.deep.equal(again.found);
    }
    expect(endedCount).to.be.above(20);
  });

  it("removes nothing that a checkpoint covers while a failed sync may have lost the checkpoint's name", async () => {
    const disk = new MemoryDisk();
    const life = new StorageLife();
    let isPublished = false;
    disk.onOperation = (operation, path) => {
      isPublished ||= operation === "rename" && path.includes("checkpoint");
      if (isPublished && operation === "syncDirectory") throw new Fault();
    };
    await live(life, disk);
    expect([isPublished, life.broken?.message]).to.deep.equal([true, "a checkpoint's name must be durable: "]);
    disk.endProcess();
    await restart(disk, life.acknowledged);
    disk.losePower();
    expect((await restart(disk, life.acknowledged)).missing).to.deep.equal([]);
  });
});
