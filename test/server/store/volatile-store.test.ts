import { expect } from "chai";
import { Ledger } from "../../../core/ledger/ledger.ts";
import { VolatileStore } from "../../../server/store/volatile-store.ts";

describe("a store that keeps nothing", () => {
  it("gives every partition to whoever asks, without a log, and nothing to follow", async () => {
    const store = new VolatileStore(2, 100);
    expect([store.partitionCount, store.canMove, store.follow()]).to.deep.equal([2, false, undefined]);
    const claim = await store.claim(1);
    expect([claim.partition, claim.capacity, claim.paymentsExpected]).to.deep.equal([1, 100, 0]);
    const storage = await claim.open(new Ledger(100, 1, 2), { onBroken: () => expect.fail() });
    expect([storage.log, storage.latestMs]).to.deep.equal([undefined, 0]);
    await storage.close();
  });
});
