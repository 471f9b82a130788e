import { expect } from "chai";
import pino from "pino";
import type { Engine } from "../../../core/engine.ts";
import { ReadingAlong } from "../../../server/partition/reading-along.ts";
import type { Following, Store } from "../../../server/store/store.ts";
import { VirtualTime } from "../../support/virtual-time.ts";

const ENGINE = { ledger: {} } as unknown as Engine;

/** A log that another writes: so many records lie unread at each look. */
class FakeFollowing implements Following {
  readonly unread: (number | Error)[] = [];
  readCount = 0;
  isClosed = false;

  async catchUp(): Promise<number> {
    this.readCount++;
    const unread = this.unread.shift() ?? 0;
    if (unread instanceof Error) throw unread;
    return unread;
  }

  close(): void {
    this.isClosed = true;
  }
}

describe("reading along", () => {
  let time: VirtualTime;
  let following: FakeFollowing | undefined;
  let refusal: string | undefined;
  let alongside: ReadingAlong;

  beforeEach(() => {
    time = new VirtualTime();
    following = new FakeFollowing();
    refusal = undefined;
    const store = {
      sizeOf: () => ({ capacity: 100, paymentsExpected: 100 }),
      follow: () => following,
    } as unknown as Store;
    alongside = new ReadingAlong({
      store,
      time,
      logger: pino({ level: "silent" }),
      refusalOfSize: () => refusal,
      newEngine: () => ENGINE,
    });
  });

  it("has begun when all but the last records are read", async () => {
    following!.unread.push(500_000, 3000, 1001, 1000);
    expect(await alongside.begin(1)).to.equal(true);
    expect(following!.readCount).to.equal(4);
  });

  it("goes on until the partition is taken, and leaves the reader to its taker", async () => {
    await alongside.begin(1);
    await time.passUntil(1000);
    expect(following!.readCount).to.be.within(15, 21);
    expect(await alongside.take(0)).to.equal(undefined);
    const taken = (await alongside.take(1))!;
    expect([taken.engine, taken.following, following!.isClosed]).to.deep.equal([ENGINE, following, false]);
    const { readCount } = following!;
    await time.passUntil(60_000);
    expect([following!.readCount, following!.isClosed]).to.deep.equal([readCount, false]);
    expect(await alongside.take(1)).to.equal(undefined);
  });

  it("ends when nobody has left the partition for a while", async () => {
    await alongside.begin(1);
    await time.passUntil(14_000);
    expect(following!.isClosed).to.equal(false);
    await time.passUntil(16_000);
    expect([following!.isClosed, await alongside.take(1)]).to.deep.equal([true, undefined]);
  });

  it("cannot be where the store has nothing to follow, or the payments do not fit in memory", async () => {
    refusal = "too large";
    expect(await alongside.begin(1)).to.equal(false);
    expect(following!.readCount).to.equal(0);
    refusal = undefined;
    following = undefined;
    expect(await alongside.begin(1)).to.equal(false);
  });

  it("cannot be of a log that cannot be read, now or later", async () => {
    following!.unread.push(new Error("torn"));
    expect([await alongside.begin(1), following!.isClosed]).to.deep.equal([false, true]);
    following = new FakeFollowing();
    following.unread.push(0, 0, new Error("torn"));
    expect(await alongside.begin(1)).to.equal(true);
    await time.passUntil(1000);
    expect([following.isClosed, await alongside.take(1)]).to.deep.equal([true, undefined]);
  });

  it("begins anew when it is asked for again", async () => {
    await alongside.begin(1);
    const first = following!;
    following = new FakeFollowing();
    await alongside.begin(1);
    expect([first.isClosed, following.isClosed]).to.deep.equal([true, false]);
    expect((await alongside.take(1))!.following).to.equal(following);
  });

  it("ends with the instance", async () => {
    await alongside.begin(1);
    alongside.close();
    expect(following!.isClosed).to.equal(true);
    const { readCount } = following!;
    await time.passUntil(1000);
    expect(following!.readCount).to.equal(readCount);
  });
});
