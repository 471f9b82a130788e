import { randomUUID } from "node:crypto";
import { expect } from "chai";
import { RECORD_BYTES } from "../../core/log/record.ts";
import {
  type Append,
  type Claimant,
  type Claimed,
  type Database,
  HaltedError,
  type NewMember,
  NotDoneError,
} from "../../server/lease/database.ts";
import { failure } from "./processes.ts";

/** A database with an empty store of at least three partitions, and what ends it. */
export type OpenDatabase = () => Promise<{ database: Database; close(): Promise<void> }>;

export const PROCESSORS: readonly string[] = ["default", "fallback"];

export function newMember(number: number): NewMember {
  return { number, life: randomUUID(), address: `tcp:10.0.0.${number + 1}:8080`, renewal: randomUUID() };
}

export function claimantOf({ life }: { life: string }, capacity = 1000): Claimant {
  return { life, processors: PROCESSORS, capacity };
}

/** Records that can be told apart by their bytes; no database looks into them. */
export function appendOf(partition: number, epoch: number, lsn: number, recordCount = 1, fill = 1): Append {
  return { partition, epoch, lsn, recordCount, records: new Uint8Array(recordCount * RECORD_BYTES).fill(fill) };
}

export async function joined(database: Database, number: number): Promise<NewMember> {
  const member = newMember(number);
  expect(await database.join(member)).to.equal("joined");
  return member;
}

export async function claimed(database: Database, partition: number, life: { life: string }): Promise<Claimed> {
  const claim = await database.claim(partition, claimantOf(life));
  if (claim === "taken") throw new Error(`the partition must be free: partition=${partition}`);
  return claim;
}

/** Every test has a store of its own. */
export function describeDatabase(name: string, open: OpenDatabase): void {
  describe(`${name}, as a database`, () => {
    let database: Database;
    let close: (() => Promise<void>) | undefined;

    beforeEach(async () => {
      ({ database, close } = await open());
    });
    afterEach(async () => {
      await close?.();
      close = undefined;
    });

    describeMembers(() => database);
    describeClaims(() => database);
    describeAppends(() => database);
    describeReading(() => database);
    describeCheckpoints(() => database);
  });
}

type Now = () => Database;

function describeMembers(now: Now): void {
  it("has partitions that nobody has, whose logs are empty", async () => {
    const { partitionCount } = await now().layout();
    expect(partitionCount).to.be.at.least(3);
    expect(await now().epochs()).to.deep.equal(new Array(partitionCount).fill(0));
    expect(await now().outline(0)).to.deep.equal({ head: 0, capacity: 0, checkpoint: undefined });
    expect(await now().chunks(0, 0, 1_000_000)).to.deep.equal([]);
    expect((await now().names(0)).size).to.equal(0);
  });

  it("tells a member of the others, with what they renewed last", async () => {
    const one = await joined(now(), 0);
    const other = await joined(now(), 1);
    await now().renew(one.life, "second");
    const census = await now().renew(other.life, "mine");
    if (census === "expelled") throw new Error("it is a member");
    expect(census.members).to.have.deep.members([
      { ...one, renewal: "second" },
      { ...other, renewal: "mine" },
    ]);
    expect(census.owners).to.deep.equal(new Array((await now().layout()).partitionCount).fill(undefined));
    expect(census.standbys.isAskedFor).to.be.a("boolean");
  });

  it("has one life in a place, and says which", async () => {
    const first = await joined(now(), 0);
    expect(await now().join(newMember(0))).to.deep.equal(first);
    const census = await now().renew(first.life, "next");
    expect(census).to.have.property("members").with.lengthOf(1);
  });

  it("takes the same life again, whose answer may have been lost", async () => {
    const member = await joined(now(), 0);
    expect(await now().join(member)).to.equal("joined");
  });

  it("lets one of several join that want the same place at once", async () => {
    const all = [1, 2, 3, 4].map(() => newMember(0));
    const answers = await Promise.all(all.map((member) => now().join(member)));
    expect(answers.filter((answer) => answer === "joined")).to.have.lengthOf(1);
    const winner = all[answers.indexOf("joined")]!;
    expect(answers.filter((answer) => answer !== "joined")).to.deep.equal([winner, winner, winner]);
  });

  it("expels a life whose renewal is still the same, and its place is free", async () => {
    const member = await joined(now(), 0);
    expect(await now().expel(member.life, member.renewal)).to.equal(true);
    expect(await now().renew(member.life, "too late")).to.equal("expelled");
    expect(await now().expel(member.life, member.renewal)).to.equal(true);
    await joined(now(), 0);
  });

  it("does not expel a life that has renewed since", async () => {
    const member = await joined(now(), 0);
    await now().renew(member.life, "second");
    expect(await now().expel(member.life, member.renewal)).to.equal(false);
    expect(await now().renew(member.life, "third")).to.have.property("members");
  });

  it("lets either a renewal or an expulsion win, however they meet", async () => {
    for (let round = 0; round < 20; round++) {
      const member = await joined(now(), 0);
      const [census, isGone] = await Promise.all([
        now().renew(member.life, "second"),
        now().expel(member.life, member.renewal),
      ]);
      expect(isGone).to.equal(census === "expelled");
      await now().leave(member.life);
    }
  });

  it("does not know a life that left, nor one that never was", async () => {
    const member = await joined(now(), 0);
    await now().leave(member.life);
    await now().leave(member.life);
    expect(await now().renew(member.life, "late")).to.equal("expelled");
    expect(await now().renew("never", "late")).to.equal("expelled");
    expect(await now().expel("never", "late")).to.equal(true);
  });
}

function describeClaims(now: Now): void {
  it("gives a partition with the next epoch, and says so to all", async () => {
    const member = await joined(now(), 0);
    expect(await claimed(now(), 1, member)).to.deep.equal({
      ...{ epoch: 1, head: 0, capacity: 1000, checkpoint: undefined, restored: undefined },
    });
    const census = await now().renew(member.life, "next");
    expect(census).to.have.property("owners").that.deep.includes({ life: member.life, since: 1 });
    expect((await now().epochs()).slice(0, 3)).to.deep.equal([0, 1, 0]);
    expect(await now().names(1)).to.deep.equal(new Map([[1, PROCESSORS]]));
  });

  it("never makes room for fewer payments", async () => {
    const member = await joined(now(), 0);
    await now().claim(0, claimantOf(member, 5000));
    expect(await now().claim(0, claimantOf(member, 10))).to.have.property("capacity", 5000);
    expect((await now().outline(0)).capacity).to.equal(5000);
  });

  it("does not take a partition from another member", async () => {
    const one = await joined(now(), 0);
    const other = await joined(now(), 1);
    await claimed(now(), 0, one);
    expect(await now().claim(0, claimantOf(other))).to.equal("taken");
    expect((await now().epochs())[0]).to.equal(1);
  });

  it("gives it to another when its carrier released it, left, or was expelled", async () => {
    const one = await joined(now(), 0);
    const other = await joined(now(), 1);
    for (const partition of [0, 1, 2]) await claimed(now(), partition, one);
    await now().release({ partition: 0, since: 1 });
    expect(await claimed(now(), 0, other)).to.have.property("epoch", 2);
    await now().expel(one.life, one.renewal);
    expect(await claimed(now(), 1, other)).to.have.property("epoch", 2);
    await now().leave(other.life);
    const third = await joined(now(), 2);
    expect(await claimed(now(), 1, third)).to.have.property("epoch", 3);
    expect(await claimed(now(), 2, third)).to.have.property("epoch", 2);
  });

  it("releases and raises nothing of a tenure that is over, be it of the same life", async () => {
    const one = await joined(now(), 0);
    const other = await joined(now(), 1);
    await claimed(now(), 0, one);
    await claimed(now(), 0, one);
    await now().release({ partition: 0, since: 1 });
    expect(await now().raise([{ partition: 0, since: 1 }])).to.deep.equal([]);
    expect(await now().claim(0, claimantOf(other))).to.equal("taken");
    expect((await now().epochs())[0]).to.equal(2);
    await now().release({ partition: 0, since: 2 });
    expect(await now().raise([{ partition: 0, since: 2 }])).to.deep.equal([]);
  });

  it("gives a partition that was halted to nobody, unless its tenure was over", async () => {
    const one = await joined(now(), 0);
    await claimed(now(), 0, one);
    await claimed(now(), 0, one);
    await now().halt({ partition: 0, since: 1 }, "too late");
    await claimed(now(), 0, one);
    await now().halt({ partition: 0, since: 3 }, "records are missing");
    const error = await failure(now().claim(0, claimantOf(one)));
    expect(error).to.be.instanceOf(HaltedError);
    expect(error).to.have.property("message", "records are missing");
    expect((await now().epochs())[0]).to.equal(3);
  });

  it("gives nothing to a life that is no member, and changes nothing then", async () => {
    const member = await joined(now(), 0);
    await now().expel(member.life, member.renewal);
    expect(await failure(now().claim(0, claimantOf(member)))).to.be.instanceOf(NotDoneError);
    expect((await now().epochs())[0]).to.equal(0);
  });

  it("gives it to one of several that claim it at once", async () => {
    const members = await Promise.all([0, 1, 2].map((number) => joined(now(), number)));
    for (let round = 1; round <= 10; round++) {
      const answers = await Promise.all(members.map((member) => now().claim(0, claimantOf(member))));
      const winners = members.filter((_, i) => answers[i] !== "taken");
      expect(winners).to.have.lengthOf(1);
      expect(answers.find((answer) => answer !== "taken")).to.have.property("epoch", round);
      await now().release({ partition: 0, since: round });
    }
  });

  it("raises the epochs of what is still in its tenure, again and again, and tells where the logs end", async () => {
    const member = await joined(now(), 0);
    const other = await joined(now(), 1);
    await claimed(now(), 0, member);
    await claimed(now(), 1, member);
    await claimed(now(), 2, other);
    await now().append([appendOf(1, 1, 0, 3)]);
    const tenures = [1, 0].map((partition) => ({ partition, since: 1 }));
    for (const epoch of [2, 3]) {
      expect(await now().raise([...tenures, { partition: 2, since: 7 }])).to.have.deep.members([
        { partition: 0, epoch, head: 0 },
        { partition: 1, epoch, head: 3 },
      ]);
      expect((await now().names(1)).get(epoch)).to.deep.equal(PROCESSORS);
    }
    expect((await now().epochs()).slice(0, 3)).to.deep.equal([3, 3, 1]);
  });
}

function describeAppends(now: Now): void {
  it("appends to several logs at once, and tells to which", async () => {
    const member = await joined(now(), 0);
    await claimed(now(), 0, member);
    await claimed(now(), 2, member);
    const first = [appendOf(2, 1, 0, 2, 22), appendOf(0, 1, 0, 1, 20)];
    expect(await now().append(first)).to.have.members([0, 2]);
    expect(await now().append([appendOf(2, 1, 2, 1, 23)])).to.deep.equal([2]);
    expect((await now().outline(2)).head).to.equal(3);
    expect(await now().chunks(2, 0, 1_000_000)).to.deep.equal([
      { lsn: 0, epoch: 1, recordCount: 2, records: Buffer.alloc(96, 22) },
      { lsn: 2, epoch: 1, recordCount: 1, records: Buffer.alloc(48, 23) },
    ]);
    expect(await now().chunks(0, 0, 1_000_000)).to.deep.equal([
      { lsn: 0, epoch: 1, recordCount: 1, records: Buffer.alloc(48, 20) },
    ]);
  });

  it("appends nothing where the log ends elsewhere or another carries it, and all the rest", async () => {
    const member = await joined(now(), 0);
    for (const partition of [0, 1, 2]) await claimed(now(), partition, member);
    await now().append([appendOf(0, 1, 0)]);
    const appends = [appendOf(0, 1, 0), appendOf(1, 1, 0), appendOf(2, 2, 0)];
    expect(await now().append(appends)).to.deep.equal([1]);
    expect(await now().append([appendOf(0, 1, 5)])).to.deep.equal([]);
    expect(await now().chunks(0, 0, 1_000_000)).to.have.lengthOf(1);
    expect(await now().chunks(2, 0, 1_000_000)).to.deep.equal([]);
  });

  it("appends nothing for a former carrier", async () => {
    const one = await joined(now(), 0);
    const other = await joined(now(), 1);
    const { epoch } = await claimed(now(), 0, one);
    await now().append([appendOf(0, epoch, 0, 2)]);
    await now().expel(one.life, one.renewal);
    expect(await claimed(now(), 0, other)).to.include({ epoch: 2, head: 2 });
    expect(await now().append([appendOf(0, epoch, 2)])).to.deep.equal([]);
    expect(await now().append([appendOf(0, 2, 2)])).to.deep.equal([0]);
  });

  it("has an append either before a raise, in its head, or never", async () => {
    const member = await joined(now(), 0);
    let { epoch } = await claimed(now(), 0, member);
    let head = 0;
    for (let round = 0; round < 20; round++) {
      const [moved, raised] = await Promise.all([
        now().append([appendOf(0, epoch, head)]),
        now().raise([{ partition: 0, since: 1 }]),
      ]);
      expect(raised[0]).to.include({ epoch: epoch + 1, head: head + moved.length });
      head += moved.length;
      epoch++;
    }
    expect((await now().outline(0)).head).to.equal(head);
  });

  it("has an append either before a claim, in its head, or never", async () => {
    let carrier = await joined(now(), 0);
    let { epoch } = await claimed(now(), 0, carrier);
    let head = 0;
    for (let round = 1; round <= 20; round++) {
      const heir = await joined(now(), round);
      await now().expel(carrier.life, carrier.renewal);
      const [moved, claim] = await Promise.all([now().append([appendOf(0, epoch, head, 2)]), claimed(now(), 0, heir)]);
      head += moved.length * 2;
      expect(claim).to.include({ epoch: epoch + 1, head });
      carrier = heir;
      epoch = claim.epoch;
    }
    const chunks = await now().chunks(0, 0, 1_000_000);
    expect(chunks.reduce((sum, { recordCount }) => sum + recordCount, 0)).to.equal(head);
  });

  it("makes one log of appends that two carriers try at the same place", async () => {
    const member = await joined(now(), 0);
    const { epoch } = await claimed(now(), 0, member);
    const answers = await Promise.all([1, 2, 3].map((fill) => now().append([appendOf(0, epoch, 0, 1, fill)])));
    expect(answers.flat()).to.deep.equal([0]);
    expect(await now().chunks(0, 0, 1_000_000)).to.have.lengthOf(1);
  });

  it("takes an append to no log", async () => {
    expect(await now().append([])).to.deep.equal([]);
  });
}

function describeReading(now: Now): void {
  /** Chunks of 1, 2, 3 … records. */
  async function write(count: number): Promise<void> {
    const member = await joined(now(), 0);
    const { epoch } = await claimed(now(), 0, member);
    let lsn = 0;
    for (let size = 1; size <= count; size++) {
      await now().append([appendOf(0, epoch, lsn, size, size)]);
      lsn += size;
    }
  }
  const lsnsOf = async (lsn: number, bytesMax: number): Promise<number[]> =>
    (await now().chunks(0, lsn, bytesMax)).map((chunk) => chunk.lsn);

  it("reads from the chunk that has the record", async () => {
    await write(4);
    expect(await lsnsOf(0, 1_000_000)).to.deep.equal([0, 1, 3, 6]);
    expect(await lsnsOf(1, 1_000_000)).to.deep.equal([1, 3, 6]);
    expect(await lsnsOf(2, 1_000_000)).to.deep.equal([1, 3, 6]);
    expect(await lsnsOf(9, 1_000_000)).to.deep.equal([6]);
    expect(await lsnsOf(10, 1_000_000)).to.deep.equal([]);
    expect(await lsnsOf(11, 1_000_000)).to.deep.equal([]);
  });

  it("reads as many as fit, but at least one", async () => {
    await write(4);
    expect(await lsnsOf(0, 1)).to.deep.equal([0]);
    expect(await lsnsOf(0, RECORD_BYTES * 3)).to.deep.equal([0, 1]);
    expect(await lsnsOf(0, RECORD_BYTES * 6 - 1)).to.deep.equal([0, 1]);
    expect(await lsnsOf(4, RECORD_BYTES)).to.deep.equal([3]);
  });
}

function describeCheckpoints(now: Now): void {
  async function written(epochs = 1): Promise<number> {
    const member = await joined(now(), 0);
    let { epoch } = await claimed(now(), 0, member);
    for (let i = 1; i < epochs; i++) ({ epoch } = await claimed(now(), 0, member));
    await now().append([appendOf(0, epoch, 0, 5)]);
    return epoch;
  }
  const slice = (fill: number, records = 1): Uint8Array => new Uint8Array(records * RECORD_BYTES).fill(fill);

  it("has the log begin with a checkpoint once it is finished", async () => {
    const epoch = await written();
    const checkpoint = (await now().beginCheckpoint(0, epoch, { lsn: 4, latestMs: 1234.5 }))!;
    await now().putSlice(0, checkpoint, 0, slice(1, 3));
    await now().putSlice(0, checkpoint, 1, slice(2));
    expect((await now().outline(0)).checkpoint).to.equal(undefined);
    expect(await now().finishCheckpoint(0, epoch, checkpoint, { slices: 2, rows: 2 })).to.equal(true);
    const told = { number: checkpoint, lsn: 4, latestMs: 1234.5, epoch, rows: 2 };
    expect(await now().outline(0)).to.deep.equal({ head: 5, capacity: 1000, checkpoint: told });
    const next = await joined(now(), 1);
    await now().release({ partition: 0, since: epoch });
    expect((await claimed(now(), 0, next)).checkpoint).to.deep.equal(told);
  });

  it("reads slices from an index on, as many as fit, but at least one", async () => {
    const epoch = await written();
    const checkpoint = (await now().beginCheckpoint(0, epoch, { lsn: 5, latestMs: 1 }))!;
    for (const index of [0, 1, 2]) await now().putSlice(0, checkpoint, index, slice(index, 2));
    await now().finishCheckpoint(0, epoch, checkpoint, { slices: 3, rows: 6 });
    const fillsOf = async (index: number, bytesMax: number): Promise<number[]> =>
      (await now().slices(0, checkpoint, index, bytesMax)).map((bytes) => bytes[0]!);
    expect(await fillsOf(0, 1_000_000)).to.deep.equal([0, 1, 2]);
    expect(await fillsOf(0, RECORD_BYTES * 4)).to.deep.equal([0, 1]);
    expect(await fillsOf(1, 1)).to.deep.equal([1]);
    expect(await fillsOf(3, 1)).to.deep.equal([]);
    expect(await now().slices(1, checkpoint, 0, 1_000_000)).to.deep.equal([]);
  });

  it("takes what was said again after a lost answer", async () => {
    const epoch = await written();
    const checkpoint = (await now().beginCheckpoint(0, epoch, { lsn: 5, latestMs: 1 }))!;
    await now().putSlice(0, checkpoint, 0, slice(7));
    await now().putSlice(0, checkpoint, 0, slice(7));
    expect(await now().finishCheckpoint(0, epoch, checkpoint, { slices: 1, rows: 1 })).to.equal(true);
    expect(await now().finishCheckpoint(0, epoch, checkpoint, { slices: 1, rows: 1 })).to.equal(true);
    expect(await now().slices(0, checkpoint, 0, 1_000_000)).to.have.lengthOf(1);
  });

  it("finishes none that lacks a slice", async () => {
    const epoch = await written();
    const checkpoint = (await now().beginCheckpoint(0, epoch, { lsn: 5, latestMs: 1 }))!;
    await now().putSlice(0, checkpoint, 1, slice(1));
    for (const slices of [1, 2]) {
      expect(await now().finishCheckpoint(0, epoch, checkpoint, { slices, rows: 1 })).to.equal(false);
    }
    expect((await now().outline(0)).checkpoint).to.equal(undefined);
  });

  it("begins and finishes none when the epoch is over", async () => {
    const epoch = await written(2);
    const checkpoint = (await now().beginCheckpoint(0, epoch, { lsn: 5, latestMs: 1 }))!;
    await now().putSlice(0, checkpoint, 0, slice(1));
    await now().raise([{ partition: 0, since: epoch }]);
    expect(await now().beginCheckpoint(0, epoch, { lsn: 5, latestMs: 1 })).to.equal(undefined);
    expect(await now().finishCheckpoint(0, epoch, checkpoint, { slices: 1, rows: 1 })).to.equal(false);
    expect(await now().finishCheckpoint(0, epoch + 1, checkpoint, { slices: 1, rows: 1 })).to.equal(false);
    expect((await now().outline(0)).checkpoint).to.equal(undefined);
  });

  it("drops earlier checkpoints, takes no slice for them, and goes on with the later one", async () => {
    const epoch = await written();
    const [first, second] = [
      (await now().beginCheckpoint(0, epoch, { lsn: 3, latestMs: 1 }))!,
      (await now().beginCheckpoint(0, epoch, { lsn: 5, latestMs: 2 }))!,
    ];
    expect(second).to.be.above(first);
    await now().putSlice(0, first, 0, slice(1));
    await now().putSlice(0, second, 0, slice(2));
    expect(await now().finishCheckpoint(0, epoch, second, { slices: 1, rows: 1 })).to.equal(true);
    await now().tidy();
    expect(await now().slices(0, first, 0, 1_000_000)).to.deep.equal([]);
    expect(await now().slices(0, second, 0, 1_000_000)).to.have.lengthOf(1);
    expect(await failure(now().putSlice(0, first, 1, slice(1)))).to.be.instanceOf(NotDoneError);
  });

  it("tidies nothing that is still needed", async () => {
    const epoch = await written(3);
    const checkpoint = (await now().beginCheckpoint(0, epoch, { lsn: 2, latestMs: 1 }))!;
    await now().putSlice(0, checkpoint, 0, slice(1));
    await now().tidy();
    expect(await now().finishCheckpoint(0, epoch, checkpoint, { slices: 1, rows: 1 })).to.equal(true);
    await now().tidy();
    expect(await now().slices(0, checkpoint, 0, 1_000_000)).to.have.lengthOf(1);
    expect(await now().chunks(0, 2, 1_000_000)).to.have.lengthOf(1);
    expect((await now().names(0)).get(epoch)).to.deep.equal(PROCESSORS);
    expect(await now().append([appendOf(0, epoch, 5)])).to.deep.equal([0]);
  });
}
