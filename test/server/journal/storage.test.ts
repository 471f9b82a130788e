import { expect } from "chai";
import { encodeHeader, HEADER_BYTES, type JournalHeader, SEGMENT } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../../core/log/record.ts";
import { JournalDirectory } from "../../../server/journal/journal-directory.ts";
import type { JournalStoreOptions } from "../../../server/journal/journal-store.ts";
import { MemoryDisk, type Operation } from "../../support/memory-disk.ts";
import { quiet, StorageLife } from "../../support/storage-life.ts";
import { TWO_NAMES } from "../../support/terms.ts";

const PATH = "/data/partition-1";
const DAY_MS = 86_400_000;
/** Never full. */
const ONE_SEGMENT = 1 << 30;

async function started(disk: MemoryDisk, options: Partial<JournalStoreOptions> = {}): Promise<StorageLife> {
  const life = new StorageLife();
  await life.start(disk, options);
  return life;
}

async function refusal(
  disk: MemoryDisk,
  options: Partial<JournalStoreOptions> = {},
  wallOffsetMs = 0,
): Promise<string> {
  const life = new StorageLife();
  life.time.wallOffsetMs = wallOffsetMs;
  return life.start(disk, options).then(
    () => "started",
    (error: Error) => error.message,
  );
}

async function turns(life: StorageLife, count: number, firstPayment = 0): Promise<void> {
  for (let turn = 0; turn < count && !life.broken; turn++) await life.turn([firstPayment + turn]).catch(() => {});
}

function segments(disk: MemoryDisk): JournalHeader[] {
  const files = new JournalDirectory(disk, PATH).files().filter(({ kind }) => kind === SEGMENT);
  return files.sort((a, b) => a.number - b.number).map(({ header }) => header as JournalHeader);
}

function names(disk: MemoryDisk): string[] {
  return disk.list(PATH).sort();
}

/** Whether the operation is the sync of a checkpoint that is being written. */
function isCheckpointSync(operation: Operation, path: string): boolean {
  return operation === "syncData" && /checkpoint-\d+\.partial$/.test(path);
}

function fail(): never {
  throw Object.assign(new Error("EIO: i/o error"), { code: "EIO" });
}

describe("storage", () => {
  it("says in each segment what was before it: carrier, time, and whether that was durable", async () => {
    const disk = new MemoryDisk();
    const first = await started(disk, { segmentBytes: ONE_SEGMENT, syncs: false });
    await turns(first, 3);
    disk.endProcess();
    await started(disk, { segmentBytes: ONE_SEGMENT });
    const [old, young] = segments(disk);
    expect(old).to.deep.include({ number: 1, epoch: 1, boundMs: 0, firstLsn: 0, followsDurable: false });
    expect(young).to.deep.include({ number: 2, epoch: 2, firstLsn: first.storage.log.lsn, followsDurable: true });
    expect(young).to.deep.include({ partition: 0, partitionCount: 2, processors: [...TWO_NAMES] });
    expect(young!.boundMs).to.equal(first.time.wallMs() - 5);
  });

  it("refuses a journal with payments at a processor that is not configured, and changes nothing", async () => {
    const disk = new MemoryDisk();
    await turns(await started(disk), 2);
    disk.endProcess();
    const before = names(disk);
    expect(await refusal(disk, { processors: ["other", "fallback"] })).to.match(
      /^a processor that kept payments were sent to must be configured, by its name.* missing=default \(\d+ payments\)/,
    );
    expect(names(disk)).to.deep.equal(before);
    expect(await refusal(disk)).to.equal("started");
  });

  it("refuses a journal that is more than a day ahead of the clock, names both times and the way out", async () => {
    const disk = new MemoryDisk();
    await turns(await started(disk), 2);
    disk.endProcess();
    const before = names(disk);
    const message = await refusal(disk, {}, -DAY_MS - 1000);
    expect(message).to.include("journal=2025-07-15T12:00:00.005Z clock=2025-07-14T11:59:59.000Z");
    expect(message).to.include(`npm run journal -- set-clock ${PATH}`);
    expect(names(disk)).to.deep.equal(before);
    expect(await refusal(disk, {}, -DAY_MS + 1000)).to.equal("started");
  });

  it("makes the names of the directories it makes durable, whoever made some of them before", async () => {
    const disk = new MemoryDisk();
    disk.makeDirectory("/data");
    const life = await started(disk);
    await turns(life, 1);
    disk.losePower();
    expect(disk.exists(PATH)).to.equal(true);
    expect((await started(disk)).engine.ledger.size).to.equal(1);
  });

  it("rewrites the checkpoint, and of the segments only what nobody has made durable", async () => {
    const disk = new MemoryDisk();
    await turns(await started(disk), 30);
    disk.endProcess();
    const renamed: string[] = [];
    disk.onOperation = (operation, path) => {
      if (operation === "rename") renamed.push(path.slice(PATH.length + 1));
    };
    const last = segments(disk).at(-1)!.number;
    const checkpoint = names(disk).find((name) => name.startsWith("checkpoint"));
    await started(disk);
    const nameOf = (number: number): string => `segment-${String(number).padStart(10, "0")}.journal`;
    expect(renamed).to.deep.equal([checkpoint, nameOf(last), nameOf(last + 1)]);
  });

  it("rewrites all that was written without syncs", async () => {
    const disk = new MemoryDisk();
    const options = { segmentBytes: HEADER_BYTES + 4 * RECORD_BYTES };
    const life = await started(disk, { ...options, syncs: false });
    disk.onOperation = (operation, path) => {
      if (isCheckpointSync(operation, path)) fail();
    };
    for (let turn = 0; turn < 10; turn++) await life.turn([turn]).catch(() => {});
    disk.endProcess();
    const count = segments(disk).length;
    expect(count).to.be.above(3);
    const renames: string[] = [];
    disk.onOperation = (operation, path) => {
      if (operation === "rename") renames.push(path);
    };
    await started(disk, options);
    expect(renames).to.have.length(count + 1);
    disk.losePower();
    expect((await started(disk, options)).missing).to.deep.equal([]);
  });

  describe("when a sync fails", () => {
    /**
     * Lives until the operation fails for the first time, and on. Returns how often it was tried afterwards, on the
     * same file.
     */
    async function failOnce(
      isIt: (operation: Operation, path: string) => boolean,
      disk: MemoryDisk,
      life: StorageLife,
    ) {
      let failedPath: string | undefined;
      let triesAfter = 0;
      const after: string[] = [];
      disk.onOperation = (operation, path) => {
        if (failedPath !== undefined) {
          after.push(`${operation} ${path.slice(PATH.length + 1)}`);
          if (operation === "syncData" && path === failedPath) triesAfter++;
        } else if (isIt(operation, path)) {
          failedPath = path;
          fail();
        }
      };
      await turns(life, 30);
      await quiet();
      return { hasFailed: failedPath !== undefined, triesAfter, after };
    }

    const places: [string, (operation: Operation, path: string) => boolean][] = [
      [
        "of the segment being written",
        (operation, path) => operation === "syncData" && /segment-\d+1\.journal$/.test(path),
      ],
      ["of the directory", (operation) => operation === "syncDirectory"],
    ];
    for (const [what, isIt] of places) {
      it(`${what}, the process ends and nothing is tried again`, async () => {
        const disk = new MemoryDisk();
        const life = await started(disk);
        const { hasFailed, triesAfter, after } = await failOnce(isIt, disk, life);
        expect(hasFailed).to.equal(true);
        expect(life.broken).to.be.instanceOf(Error);
        expect([triesAfter, after]).to.deep.equal([0, []]);
        expect(() => life.storage.log.append(life.engine.batch)).to.throw(life.broken!.message);
      });
    }

    it("of a segment that is full, the process ends and nothing is tried again", async () => {
      const disk = new MemoryDisk();
      const life = await started(disk);
      const tried: string[] = [];
      disk.onOperation = (operation, path) => {
        if (operation === "write") return;
        tried.push(`${operation} ${path.slice(PATH.length + 1)}`);
        fail();
      };
      expect(() => {
        for (let payment = 0; payment < 100; payment++) {
          life.accept(payment);
          life.write();
        }
      }).to.throw("a finished segment must be durable: EIO");
      expect(life.broken?.message).to.equal("a finished segment must be durable: EIO: i/o error");
      life.accept(1000);
      expect(() => life.write()).to.throw(life.broken!.message);
      expect(() => life.storage.log.rotate()).to.throw(life.broken!.message);
      expect(() => life.storage.log.sync(() => {})).to.throw(life.broken!.message);
      expect(tried).to.deep.equal(["syncData segment-0000000001.journal"]);
    });

    it("of a new segment's header, that one is abandoned and the old one goes on", async () => {
      const disk = new MemoryDisk();
      const life = await started(disk);
      const isIt = (operation: Operation, path: string) =>
        operation === "syncData" && /segment-\d+2\.partial$/.test(path);
      const { hasFailed, triesAfter } = await failOnce(isIt, disk, life);
      expect([hasFailed, life.broken, life.missing]).to.deep.equal([true, undefined, []]);
      // After a pause there is another file of that name.
      await turns(life, 60, 30);
      expect([triesAfter, life.storage.log.number > 2]).to.deep.equal([0, true]);
    });

    it("of a checkpoint, that one is abandoned and its segments stay", async () => {
      const disk = new MemoryDisk();
      const life = await started(disk);
      const { hasFailed, after } = await failOnce(isCheckpointSync, disk, life);
      expect(hasFailed).to.equal(true);
      expect(life.broken).to.equal(undefined);
      expect(after.slice(0, 3).some((line) => line.startsWith("remove segment"))).to.equal(false);
      expect(after).to.include("remove checkpoint-0000000002.partial");
      expect(life.missing).to.deep.equal([]);
    });
  });

  describe("when the same thing fails again and again", () => {
    it("logs once that no segment can be begun, counts, waits longer each time, and says when one could", async () => {
      const disk = new MemoryDisk();
      const life = await started(disk);
      let tries = 0;
      disk.onOperation = (operation, path) => {
        if (operation !== "create" || !path.includes("segment")) return;
        tries++;
        fail();
      };
      await turns(life, 1000);
      expect(life.lines.filter(({ level }) => level === "error")).to.deep.equal([
        { level: "error", text: "a new segment cannot be begun: going on in the old one" },
      ]);
      // Five seconds: after 0, 250, 750, 1750 and 3750 ms.
      expect(tries).to.equal(5);
      expect(life.meters.segmentFailedCount).to.equal(5);
      expect(life.missing).to.deep.equal([]);
      disk.onOperation = () => {};
      await turns(life, 1000, 1000);
      expect(life.lines.filter(({ level }) => level === "warn")).to.deep.equal([
        { level: "warn", text: "a new segment could be begun again" },
      ]);
      expect(life.storage.log.number).to.be.above(2);
    });

    it("logs once that no checkpoint can be written, counts, tries by itself, and says when one could", async () => {
      const disk = new MemoryDisk();
      const life = await started(disk);
      disk.onOperation = (operation, path) => {
        if (isCheckpointSync(operation, path)) fail();
      };
      await turns(life, 40);
      await life.time.passUntil(life.time.nowMs + 60_000);
      await quiet();
      const failedCount = life.meters.checkpointFailedCount;
      expect(failedCount).to.be.within(7, 10);
      expect(life.lines.filter(({ level }) => level === "error")).to.deep.equal([
        { level: "error", text: "a checkpoint cannot be written: the journal grows until one can" },
      ]);
      disk.onOperation = () => {};
      await life.time.passUntil(life.time.nowMs + 60_000);
      await quiet();
      expect(life.meters.checkpointFailedCount).to.equal(failedCount);
      expect(life.lines.filter(({ level }) => level === "warn")).to.deep.equal([
        { level: "warn", text: "a checkpoint could be written again" },
      ]);
      expect(names(disk).some((name) => name.startsWith("checkpoint"))).to.equal(true);
    });
  });

  it("makes durable what a checkpoint builds on, also without syncs, before the checkpoint counts", async () => {
    const disk = new MemoryDisk();
    const life = await started(disk, { syncs: false, segmentBytes: HEADER_BYTES + 4 * RECORD_BYTES });
    const synced = new Set<string>();
    let covers = 0;
    disk.onOperation = (operation, path) => {
      const name = path.slice(PATH.length + 1).replace(".partial", ".journal");
      if (operation === "syncData") synced.add(name);
      if (operation !== "rename" || !name.startsWith("checkpoint")) return;
      const first = Number(/\d+/.exec(name)![0]);
      for (let number = first; number <= life.storage.log.number; number++) {
        expect([...synced]).to.include(`segment-${String(number).padStart(10, "0")}.journal`);
        covers++;
      }
      expect([...synced]).to.include(name);
    };
    // A turn in which nobody asks for durability.
    for (let turn = 0; turn < 40; turn++) {
      life.accept(turn);
      life.write();
      await life.time.passUntil(life.time.nowMs + 2);
      await quiet();
    }
    expect(covers).to.be.above(3);
  });

  it("does not take a header of today for one of tomorrow", () => {
    const disk = new MemoryDisk();
    disk.makeDirectory("/data");
    disk.makeDirectory(PATH);
    const bytes = encodeHeader({
      kind: SEGMENT,
      partition: 0,
      partitionCount: 2,
      epoch: 1,
      number: 1,
      firstLsn: 0,
      createdAtMs: 0,
      boundMs: 0,
      followsDurable: false,
      processors: TWO_NAMES,
      capacity: 0,
    });
    bytes[8] = 3;
    disk.create(`${PATH}/segment-0000000001.journal`).write(bytes, 0, bytes.length, 0);
    return refusal(disk).then((message) => expect(message).to.include("the format version must be 1 or 2: version=3"));
  });
});
