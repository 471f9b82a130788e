import { expect } from "chai";
import { PostgresServer, waitFor } from "../../../perf/postgres/postgres-server.ts";
import type { Census } from "../../../server/lease/database.ts";
import { appendOf, claimed, joined } from "../../support/database-contract.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";
import { failure } from "../../support/processes.ts";

const standbysOf = (census: Census | "expelled") => (census === "expelled" ? census : census.standbys);

describe("a primary with a standby", () => {
  const primary = usePostgres();
  const open = useDatabases();
  let standby: PostgresServer;

  before(async () => {
    await makeStore(primary());
    standby = await primary().addStandby("s1");
  });
  after(() => standby?.remove());

  it("tells a member of the standby that commits wait for", async () => {
    const database = open(primary().url);
    const { life } = await joined(database, 9);
    expect(standbysOf(await database.renew(life, "1"))).to.deep.equal({ isAskedFor: false, syncCount: 0 });
    await primary().set("synchronous_standby_names", "ANY 1 (s1, s2)");
    await waitFor(async () => {
      const found = await primary().query("SELECT sync_state FROM pg_stat_replication");
      return found[0]?.["sync_state"] === "quorum";
    });
    expect(standbysOf(await database.renew(life, "2"))).to.deep.equal({ isAskedFor: true, syncCount: 1 });
    await database.leave(life);
  });

  it("tells a role that may not see the standbys that they are not known", async () => {
    await primary().query(`CREATE ROLE plain LOGIN; GRANT USAGE ON SCHEMA rinha TO plain;
      GRANT ALL ON ALL TABLES IN SCHEMA rinha TO plain`);
    const database = open(primary().url.replace("rinha@", "plain@"));
    const { life } = await joined(database, 9);
    expect(standbysOf(await database.renew(life, "1"))).to.deep.equal({ isAskedFor: true, syncCount: undefined });
    await database.leave(life);
  });

  it("is left for the standby that was promoted, with all that was acknowledged", async () => {
    // The standby first: it is passed over as long as it is one.
    const database = open(PostgresServer.urlOf([standby, primary()]));
    const { life } = await joined(database, 0);
    const { epoch } = await claimed(database, 0, { life });
    let head = 0;
    for (; head < 20; head++) await database.append([appendOf(0, epoch, head)]);
    await primary().kill();
    expect(await failure(database.append([appendOf(0, epoch, head)]))).to.be.instanceOf(Error);
    await standby.promote();
    expect(await database.raise([{ partition: 0, since: epoch }])).to.deep.equal([
      { partition: 0, epoch: epoch + 1, head },
    ]);
    expect(await database.append([appendOf(0, epoch + 1, head)])).to.deep.equal([0]);
    expect(await database.renew(life, "next")).to.have.property("members");
    expect(await database.chunks(0, 0, 1_000_000)).to.have.lengthOf(head + 1);
  });

  it("is not used, nor is any other, while it takes no writes", async () => {
    await standby.set("default_transaction_read_only", "on");
    const error = await failure(open(PostgresServer.urlOf([primary(), standby])).layout());
    expect(error).to.have.property("name", "NotDoneError");
    expect(error.message).to.include(`${primary().address}=ECONNREFUSED`);
    expect(error.message).to.include(`${standby.address}=takes no writes`);
  });
});
