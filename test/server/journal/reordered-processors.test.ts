import { expect } from "chai";
import { Engine } from "../../../core/engine.ts";
import { makeTotals } from "../../../core/ledger/window-totals.ts";
import { HEADER_BYTES } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../../core/log/record.ts";
import { NO_FLIGHT } from "../../../core/routing/flights.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../../core/values/processor.ts";
import type { JournalStorage } from "../../../server/journal/journal-storage.ts";
import { JournalStore } from "../../../server/journal/journal-store.ts";
import { JournalMeters } from "../../../server/meters/meters.ts";
import { MemoryDisk } from "../../support/memory-disk.ts";
import { uuid } from "../../support/payments.ts";
import { forSeeds, type Random } from "../../support/random.ts";
import { quiet } from "../../support/storage-life.ts";
import { VirtualTime } from "../../support/virtual-time.ts";
import { writingBy } from "../../support/writing.ts";

const LOGGER = { info: () => {}, warn: () => {}, error: () => {} };

/** One life of an instance with these processors over what is on the disk. */
class Life {
  readonly time = new VirtualTime();
  readonly engine: Engine;
  readonly names: readonly string[];
  storage!: JournalStorage;

  constructor(names: readonly string[]) {
    this.names = names;
    const terms = names.map((name, i) => ({ name, feePpm: (i + 1) * 1000, maxInFlight: 64 }));
    this.engine = new Engine(Ways.open(new HealthSnapshot(names.length), terms), {
      ...{
        partition: 0,
        capacity: 4096,
        seed: 1,
        giveUpAfterMs: 3_600_000,
        settleWithinMs: 0,
        answerWithinMs: 2000,
        waitsForSlow: true,
      },
    });
  }

  async start(disk: MemoryDisk): Promise<this> {
    const store = await JournalStore.open(
      { disk, time: this.time, logger: LOGGER as never },
      {
        dataDir: "/data",
        partitionCount: 1,
        instanceCount: 1,
        capacity: 4096,
        processors: this.names,
        segmentBytes: HEADER_BYTES + 64 * RECORD_BYTES,
        syncs: false,
      },
    );
    const claim = (await store.claim(0))!;
    try {
      this.storage = await claim.open(this.engine.ledger, { onBroken: () => {} });
    } catch (error) {
      await claim.release();
      throw error;
    }
    this.storage.beginUpkeep(
      this.engine,
      writingBy(() => this.write()),
      new JournalMeters(),
    );
    this.engine.resume(this.nowMs, this.storage.latestMs);
    return this;
  }

  get nowMs(): number {
    return Math.max(this.time.wallMs(), this.storage.latestMs);
  }

  /** Payment `n` is sent, and charged by the processor that is drawn, the cheaper ones being out of reach. */
  async pay(n: number, random: Random): Promise<void> {
    this.engine.accept(uuid(n), 0, 100 + n, this.nowMs);
    const failing = random.below(this.names.length);
    for (let tries = 0; tries <= failing; tries++) {
      const flight = this.engine.dispatch(this.nowMs);
      if (flight === NO_FLIGHT) break;
      this.engine.settle(flight, tries < failing ? Outcome.UNREACHABLE : Outcome.CHARGED, this.nowMs + 1);
    }
    this.write();
    this.storage.maintain();
    await this.time.passUntil(this.time.nowMs + 200);
    await quiet();
  }

  write(): boolean {
    if (this.engine.batch.count === 0) return true;
    const error = this.storage.log.append(this.engine.batch);
    this.engine.batch.clear();
    return error === undefined;
  }

  totals(): Record<string, string> {
    const totals = makeTotals(this.names.length);
    this.engine.ledger.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, totals);
    const entries = this.names.map((name, p) => [name, `${totals[p * 2]} ${totals[p * 2 + 1]}`] as const);
    return Object.fromEntries(entries.filter(([, total]) => total !== "0 0"));
  }

  /** Of each payment, where it is. */
  places(): string[] {
    const { ledger } = this.engine;
    return Array.from({ length: ledger.size }, (_, i) => {
      const processor = ledger.rows.processor[ledger.slotOf(ledger.tail + i)]!;
      return processor === NO_PROCESSOR ? "none" : (this.names[processor] ?? `unknown ${processor}`);
    });
  }

  async end(disk: MemoryDisk): Promise<void> {
    await this.storage.close();
    disk.endProcess();
  }
}

describe("a journal of processors that are configured otherwise later", () => {
  it("keeps every payment with its processor, whatever order the names have, checkpoints and segments alike", () => {
    return forSeedsLater(8, async (random) => {
      const disk = new MemoryDisk();
      let names = ["a", "b", "c"].slice(0, random.between(1, 3));
      let expected: { totals: Record<string, string>; places: string[] } = { totals: {}, places: [] };
      let n = 0;
      for (let life = 0; life < 6; life++) {
        const now = await new Life(names).start(disk);
        expect({ totals: now.totals(), places: now.places() }).to.deep.equal(expected);
        for (let i = 0; i < random.between(5, 60); i++) await now.pay(n++, random);
        expected = { totals: now.totals(), places: now.places() };
        await now.end(disk);
        // Another order, and sometimes one more.
        if (names.length < 16 && random.chance(0.5)) names = [...names, `n${life}`];
        names = [...names].sort(() => random.below(3) - 1);
      }
    });
  }).timeout(20_000);

  it("is refused without one that has payments, and starts once those are gone", async () => {
    const disk = new MemoryDisk();
    const first = await new Life(["a", "b"]).start(disk);
    first.engine.accept(uuid(1), 0, 100, first.nowMs);
    first.engine.settle(first.engine.dispatch(first.nowMs), Outcome.CHARGED, first.nowMs);
    first.write();
    await first.end(disk);
    const refused = new Life(["b", "c"]).start(disk);
    const error = await refused.then(
      () => "started",
      ({ message }: Error) => message,
    );
    expect(error).to.include("must be configured, by its name").and.to.include("missing=a (1 payment) configured=b, c");
    const again = await new Life(["a", "b"]).start(disk);
    expect(again.totals()).to.deep.equal({ a: "1 100" });
    again.engine.purge(again.nowMs);
    again.write();
    await again.end(disk);
    const without = await new Life(["c", "b"]).start(disk);
    expect([without.totals(), without.engine.ledger.size]).to.deep.equal([{}, 0]);
    await without.end(disk);
  });
});

/** forSeeds for what takes turns. */
async function forSeedsLater(count: number, run: (random: Random) => Promise<void>): Promise<void> {
  const runs: Random[] = [];
  forSeeds(count, (random) => runs.push(random));
  for (const [i, random] of runs.entries()) {
    try {
      await run(random);
    } catch (error) {
      throw new Error(`seed number ${i}: ${(error as Error).message}`, { cause: error });
    }
  }
}
