import { expect } from "chai";
import { type Database, HaltedError } from "../../../server/lease/database.ts";
import { readStoreUrl } from "../../../server/postgres/store-url.ts";
import { restore } from "../../../server/store-cli/restore.ts";
import { claimantOf, claimed, joined } from "../../support/database-contract.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";

describe("partitions of a store that was restored", function () {
  this.timeout(30_000);
  const server = usePostgres();
  const open = useDatabases();
  let database: Database;

  beforeEach(async () => {
    await makeStore(server());
    database = open(server().url);
  });

  const restored = () => restore(readStoreUrl(server().url), () => {});

  it("are told to each claimant, since the first claim, until a carrier has ended it", async () => {
    await restored();
    const member = await joined(database, 0);
    const { restored: first, epoch } = await claimed(database, 0, member);
    expect(Math.abs(first!.sinceMs - Date.now()), "by the database's clock").to.be.below(20_000);
    await database.release({ partition: 0, since: epoch });
    const { restored: second, epoch: since } = await claimed(database, 0, member);
    expect(second).to.deep.equal(first);
    await database.endRestored({ partition: 0, since: epoch });
    await database.release({ partition: 0, since });
    const third = await claimed(database, 0, member);
    expect(third.restored, "an earlier tenure ends nothing").to.deep.equal(first);
    for (let i = 0; i < 2; i++) await database.endRestored({ partition: 0, since: third.epoch });
    await database.release({ partition: 0, since: third.epoch });
    expect((await claimed(database, 0, member)).restored).to.equal(undefined);
    expect((await claimed(database, 1, member)).restored?.lostFromMs).to.be.below(Date.now());
  });

  it("begin anew with another loss, from the earliest that is not found out yet", async () => {
    await restored();
    await server().query("UPDATE rinha.partition SET lost_from_ms = 5000, restored_since_ms = 6000 WHERE number = 0");
    await restored();
    const member = await joined(database, 0);
    const { restored: told } = await claimed(database, 0, member);
    expect(told!.lostFromMs).to.equal(5000);
    expect(told!.sinceMs).to.be.above(6000);
  });

  it("have epochs behind all that was given out, and nothing of a former carrier counts", async () => {
    const member = await joined(database, 0);
    const { epoch } = await claimed(database, 0, member);
    await database.halt({ partition: 0, since: epoch }, "lost");
    const result = await restored();
    expect(result.kind).to.equal("restored");
    expect((await database.epochs())[0]).to.be.at.least(epoch + 1000);
    expect(await database.raise([{ partition: 0, since: epoch }])).to.deep.equal([]);
    await database.halt({ partition: 0, since: epoch }, "late");
    const next = await joined(database, 0);
    const claim = await database.claim(0, claimantOf(next)).catch((error: unknown) => error);
    expect(claim).not.to.be.instanceOf(HaltedError);
    expect(claim)
      .to.have.property("epoch")
      .that.is.at.least(epoch + 1001);
  });
});
