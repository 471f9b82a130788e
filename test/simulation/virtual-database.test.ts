import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "chai";
import { type Append, NotDoneError, UnknownError } from "../../server/lease/database.ts";
import { describeDatabase } from "../support/database-contract.ts";
import { Random } from "../support/random.ts";
import { CLAIMANT, DatabaseBench } from "./database-bench.ts";
import type { DatabaseClient } from "./database-client.ts";

/** As the suite wants it: its time passes whenever nothing else is to be done. */
async function openForSuite(): Promise<{ database: DatabaseClient; close: () => Promise<void> }> {
  const bench = new DatabaseBench();
  let isOpen = true;
  const passing = (async () => {
    while (isOpen) {
      await bench.pass(1);
      await nextTurn();
    }
  })();
  const close = async (): Promise<void> => {
    isOpen = false;
    await passing;
  };
  return { database: bench.one, close };
}

describeDatabase("VirtualDatabase", openForSuite);

describe("VirtualDatabase", () => {
  it("loses with a promotion what nobody was told of, and nothing else", async () => {
    const bench = await new DatabaseBench().claimed();
    const { database, one, two } = bench;
    expect(await bench.of(one.append([append(0)]))).to.deep.equal([0]);
    database.stallStandby(true);
    expect(await failure(bench, one.append([append(1)]))).to.be.instanceOf(UnknownError);
    expect(await bench.of(two.outline(0)), "not committed").to.include({ head: 1 });
    database.cancelWaits();
    expect(await bench.of(two.outline(0)), "visible").to.include({ head: 2 });
    database.failOver(0);
    await bench.pass(10);
    expect(await bench.of(two.outline(0)), "gone").to.include({ head: 1 });
    expect(await bench.of(one.raise([{ partition: 0, since: 1 }]))).to.deep.equal([
      { partition: 0, epoch: 2, head: 1 },
    ]);
  });

  it("tells of an end that a later commit of the same client bears out", async () => {
    const bench = await new DatabaseBench().claimed();
    const { database, one, two } = bench;
    database.stallStandby(true);
    const lost = failure(bench, one.append([append(0)]));
    await bench.pass(20);
    const raised = one.raise([{ partition: 0, since: 1 }]);
    await bench.pass(20);
    expect(await bench.of(two.outline(0)), "the raise waits").to.include({ head: 0 });
    database.stallStandby(false);
    expect(await bench.of(raised)).to.deep.equal([{ partition: 0, epoch: 2, head: 1 }]);
    expect(await lost).to.equal(undefined);
  });

  it("keeps what is on its disk over a crash", async () => {
    const ends = new Set<number>();
    for (let seed = 1; seed <= 20; seed++) {
      const bench = await new DatabaseBench(new Random(seed)).claimed();
      const { database, one, two } = bench;
      await bench.of(one.append([append(0)]));
      database.stallStandby(true);
      const lost = failure(bench, one.append([append(1)]));
      await bench.pass(20);
      database.crash(100);
      expect(await lost).to.be.instanceOf(UnknownError);
      expect(await failure(bench, two.outline(0))).to.be.instanceOf(NotDoneError);
      await bench.pass(100);
      ends.add((await bench.of(two.outline(0))).head);
    }
    expect([...ends].sort(), "heads").to.deep.equal([1, 2]);
  });

  it("reads on an old primary what was, and commits nothing there", async () => {
    const bench = await new DatabaseBench().claimed();
    const { database, one, two } = bench;
    database.failOver(0, [0], 3000);
    await bench.pass(10);
    expect(await bench.of(two.expel("one", "r0"))).to.equal(true);
    expect(await bench.of(two.claim(0, { ...CLAIMANT, life: "two" }))).to.include({ epoch: 2 });
    expect(await bench.of(one.epochs()), "the old primary").to.deep.equal([1, 0, 0]);
    expect(await failure(bench, one.append([append(0)]))).to.be.instanceOf(UnknownError);
    await bench.pass(3000);
    expect(await bench.of(one.epochs()), "the new one").to.deep.equal([2, 0, 0]);
    expect(await bench.of(two.outline(0))).to.include({ head: 0 });
  });

  it("loses acknowledged commits only when nobody waits for the standby", async () => {
    const bench = await new DatabaseBench(new Random(1), false).claimed();
    const { database, one, two } = bench;
    await bench.pass(10);
    database.stallStandby(true);
    expect(await bench.of(one.append([append(0)]))).to.deep.equal([0]);
    database.failOver(0);
    await bench.pass(10);
    expect(await bench.of(two.outline(0))).to.include({ head: 0, capacity: 8 });
  });

  it("does what a client asked for that has given up, before or after its raise, and only with its epoch", async () => {
    const heads = new Set<string>();
    for (let seed = 1; seed <= 40; seed++) {
      const bench = await new DatabaseBench(new Random(seed)).claimed();
      const { database, one } = bench;
      database.weather = { ...database.weather, lateRequest: 1 };
      const late = failure(bench, one.append([append(0)]));
      database.weather = { ...database.weather, lateRequest: 0 };
      const isDone = (await late) === undefined;
      await bench.pass(100 * seed);
      const [raised] = await bench.of(one.raise([{ partition: 0, since: 1 }]));
      await bench.pass(10_000);
      const { head } = await bench.of(one.outline(0));
      expect(head, "after the raise nothing is done").to.equal(raised!.head);
      heads.add(`${isDone ? "done" : "unknown"}: ${head}`);
    }
    expect([...heads].sort()).to.deep.equal(["done: 1", "unknown: 0", "unknown: 1"]);
  });

  it("ends every call, whatever the weather: done, or an error that is true", () => {
    return Promise.all(Array.from({ length: 30 }, (_, seed) => weathered(new Random(seed + 1))));
  });
});

/** Appends until it is known how, through all weathers, and looks whether the log is what was told. */
async function weathered(random: Random): Promise<void> {
  const bench = await new DatabaseBench(random).claimed();
  const { database, one } = bench;
  let [epoch, head] = [1, 0];
  for (let turn = 0; turn < 30; turn++) {
    const chance = () => (random.chance(0.5) ? 0.3 : 0);
    database.weather = {
      lostRequest: chance(),
      lateRequest: chance(),
      lostReply: chance(),
      lateReply: chance(),
      failed: chance(),
      failedAppends: chance(),
      cancelled: chance(),
      delayMsMax: random.pick([0, 100]),
    };
    random.pick([
      () => database.crash(random.below(500)),
      () => database.failOver(random.below(500)),
      () => database.reach("refuses"),
      () => database.reach("hangs"),
      () => database.stallStandby(true),
      () => {},
      () => {},
    ])();
    const error = await failure(bench, one.append([{ ...append(head), epoch }]));
    expect(error === undefined || error instanceof NotDoneError || error instanceof UnknownError).to.equal(true);
    if (error === undefined) head++;
    database.heal();
    await bench.pass(600);
    const [raised] = await bench.of(one.raise([{ partition: 0, since: 1 }]));
    if (!(error instanceof UnknownError)) expect(raised!.head).to.equal(head);
    expect(raised!.head - head).to.be.within(0, 1);
    ({ epoch, head } = raised!);
  }
  const chunks = await bench.of(one.chunks(0, 0, 1e9));
  expect(chunks.map(({ lsn }) => lsn)).to.deep.equal(Array.from({ length: head }, (_, lsn) => lsn));
}

function append(lsn: number): Append {
  return { partition: 0, epoch: 1, lsn, recordCount: 1, records: Uint8Array.of(lsn) };
}

/** What it rejects with; undefined: it does not. */
async function failure(bench: DatabaseBench, call: Promise<unknown>): Promise<unknown> {
  return bench.of(
    call.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
}
