import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import pino from "pino";
import { RECORD_BYTES } from "../../../core/log/record.ts";
import { Checkpointer } from "../../../server/journal/checkpointer.ts";
import { JournalMeters } from "../../../server/meters/meters.ts";
import { RealTime } from "../../../server/system/time.ts";
import { directoryOf, inDirectory, JournalLife, OWNER, portrait, restart } from "../../support/journal-life.ts";
import { Random } from "../../support/random.ts";

const CAPACITY = 8192;
const SEGMENT_BYTES = 64 * 1024;
const LOOKS_MAX = 100;

/** What `look` finds on the disk; once more where upkeep removes a file after it was listed. */
function seenOnDisk<T>(look: () => T): T {
  for (let attempt = 1; ; attempt++) {
    try {
      return look();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT" || attempt === LOOKS_MAX) throw error;
    }
  }
}

/** A journal with its upkeep, as in an instance; every batch goes to both. */
class Upkeep {
  readonly life: JournalLife;
  readonly checkpointer: Checkpointer;
  readonly #path: string;

  constructor(path: string, seed: number) {
    this.#path = path;
    this.life = new JournalLife(path, new Random(seed), { capacity: CAPACITY, segmentBytes: SEGMENT_BYTES });
    this.checkpointer = new Checkpointer(this.life.directory, this.life.journal, {
      ledger: this.life.ledger,
      flush: () => true,
      finished: { bytes: 0, count: 0 },
      segmentBytes: SEGMENT_BYTES,
      meters: new JournalMeters(),
      disk: this.life.directory.disk,
      time: new RealTime(),
      logger: pino({ level: "silent" }),
    });
  }

  get diskBytes(): number {
    return seenOnDisk(() => directoryOf(this.#path).files()).reduce((sum, file) => sum + file.bytes, 0);
  }

  /** Payments that are accepted, sent and charged at once. */
  async process(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      this.life.accept();
      this.life.processNewest(1);
      if (i % 20 !== 19) continue;
      this.life.write();
      this.checkpointer.maintain();
      await sleep(0);
    }
    this.life.write();
  }

  async untilQuiet(): Promise<void> {
    const isQuiet = (): boolean => seenOnDisk(() => directoryOf(this.#path).files()).some(({ kind }) => kind === 2);
    for (let i = 0; i < 500 && !isQuiet(); i++) await sleep(10);
    await sleep(100);
  }

  async close(): Promise<void> {
    await this.checkpointer.close();
    this.life.close();
  }
}

describe("upkeep of the journal", () => {
  it("keeps the disk within 128 bytes a payment and two segments while payments go on", () =>
    inDirectory(async (path) => {
      const upkeep = new Upkeep(path, 1);
      let worstBytes = 0;
      for (let round = 0; round < 20; round++) {
        await upkeep.process(300);
        worstBytes = Math.max(worstBytes, upkeep.diskBytes - 3 * RECORD_BYTES * upkeep.life.ledger.size);
        const { ledger } = seenOnDisk(() => restart(path, OWNER, CAPACITY));
        expect(portrait(ledger)).to.deep.equal(portrait(upkeep.life.ledger));
      }
      await upkeep.untilQuiet();
      expect(upkeep.life.ledger.size).to.equal(6000);
      expect(upkeep.diskBytes).to.be.at.most(128 * 6000 + 2 * SEGMENT_BYTES);
      await upkeep.close();
    }));

  it("abandons a checkpoint when it is closed, and leaves a journal that starts", () =>
    inDirectory(async (path) => {
      const upkeep = new Upkeep(path, 2);
      await upkeep.process(600);
      upkeep.checkpointer.startIfDue();
      await upkeep.close();
      const { ledger } = restart(path, OWNER, CAPACITY);
      expect(portrait(ledger)).to.deep.equal(portrait(upkeep.life.ledger));
    }));
});
