import { expect } from "chai";
import { PostgresServer, waitFor } from "../../../perf/postgres/postgres-server.ts";
import { NotDoneError, UnknownError } from "../../../server/lease/database.ts";
import { appendOf, claimantOf, claimed, joined } from "../../support/database-contract.ts";
import { LossyProxy, makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";
import { failure } from "../../support/processes.ts";

/** Backends that run our statements, by what they wait for. */
const WAITING = `SELECT pid FROM pg_stat_activity WHERE application_name = 'rinha' AND wait_event = `;

describe("what became of a call to PostgreSQL", () => {
  const server = usePostgres();
  const open = useDatabases();

  beforeEach(() => makeStore(server()));
  afterEach(() => server().set("synchronous_standby_names", ""));

  /** The number of the process that waits. */
  async function waiting(event: "SyncRep" | "transactionid" | "tuple"): Promise<number> {
    let pid: unknown;
    await waitFor(async () => {
      [{ pid }] = [...(await server().query(`${WAITING}'${event}'`)), { pid: undefined }] as [{ pid: unknown }];
      return pid !== undefined;
    });
    return pid as number;
  }

  it("is unknown when somebody ends the wait for the standby, although it was committed here", async () => {
    const database = open(server().url);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await server().set("synchronous_standby_names", "absent");
    const append = failure(database.append([appendOf(0, 1, 0)]));
    await server().query(`SELECT pg_cancel_backend(${await waiting("SyncRep")})`);
    expect(await append)
      .to.be.instanceOf(UnknownError)
      .with.property("message")
      .that.includes("canceling wait for synchronous replication");
    await server().set("synchronous_standby_names", "");
    expect(await database.raise([{ partition: 0, since: 1 }])).to.deep.equal([{ partition: 0, epoch: 2, head: 1 }]);
  });

  it("is unknown when the server ends the connection during the wait for the standby", async () => {
    const database = open(server().url);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await server().set("synchronous_standby_names", "absent");
    const append = failure(database.append([appendOf(0, 1, 0)]));
    await server().query(`SELECT pg_terminate_backend(${await waiting("SyncRep")})`);
    expect(await append).to.be.instanceOf(UnknownError);
    await server().set("synchronous_standby_names", "");
    expect((await database.raise([{ partition: 0, since: 1 }]))[0]).to.include({ head: 1 });
  });

  it("is unknown when the server ends the connection before the commit: it says so, and nothing was done", async () => {
    const database = open(server().url);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    const other = await server().connect();
    try {
      await other.query("BEGIN; SELECT FROM rinha.partition FOR UPDATE");
      const append = failure(database.append([appendOf(0, 1, 0)]));
      await server().query(`SELECT pg_terminate_backend(${await waiting("transactionid")})`);
      expect(await append).to.be.instanceOf(UnknownError);
      await other.query("COMMIT");
      expect((await database.raise([{ partition: 0, since: 1 }]))[0]).to.include({ head: 0 });
    } finally {
      await other.end();
    }
  });

  it("is unknown when the answer is lost, and the raise that follows finds it done", async () => {
    const proxy = await LossyProxy.to(server().port);
    try {
      const database = open(PostgresServer.urlOf([proxy]), { hotTimeoutMs: 1000 });
      const { life } = await joined(database, 0);
      await claimed(database, 0, { life });
      await database.append([appendOf(0, 1, 0)]);
      proxy.losesAnswers = true;
      const append = failure(database.append([appendOf(0, 1, 1)]));
      const head = "SELECT head::int FROM rinha.partition WHERE number = 0";
      await waitFor(async () => (await server().query(head))[0]?.["head"] === 2);
      proxy.cut();
      expect(await append).to.be.instanceOf(UnknownError);
      proxy.losesAnswers = false;
      expect(await database.raise([{ partition: 0, since: 1 }])).to.deep.equal([{ partition: 0, epoch: 2, head: 2 }]);
    } finally {
      await proxy.close();
    }
  });

  it("is unknown when no answer comes in time, and the raise waits for what is still under way", async () => {
    const database = open(server().url, { hotTimeoutMs: 600 });
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await server().set("synchronous_standby_names", "absent");
    expect(await failure(database.append([appendOf(0, 1, 0)]))).to.be.instanceOf(UnknownError);
    // The append has the row until its commit is acknowledged; nobody can tell yet, and nothing is changed.
    expect(await failure(database.raise([{ partition: 0, since: 1 }]))).to.be.instanceOf(NotDoneError);
    const raise = open(server().url).raise([{ partition: 0, since: 1 }]);
    await waiting("transactionid");
    await server().set("synchronous_standby_names", "");
    expect(await raise).to.deep.equal([{ partition: 0, epoch: 2, head: 1 }]);
  });

  it("is looked for at the next host after a silence, and nothing else waits for the silent one", async () => {
    const proxy = await LossyProxy.to(server().port);
    try {
      const database = open(PostgresServer.urlOf([proxy, server()]), { hotTimeoutMs: 500 });
      const { life } = await joined(database, 0);
      await claimed(database, 0, { life });
      await database.append([appendOf(0, 1, 0)]);
      proxy.losesAnswers = true;
      expect(await failure(database.append([appendOf(0, 1, 1)]))).to.be.instanceOf(UnknownError);
      const beganMs = performance.now();
      expect(await database.raise([{ partition: 0, since: 1 }])).to.deep.equal([{ partition: 0, epoch: 2, head: 2 }]);
      expect(await database.renew(life, "next")).to.have.property("members");
      expect((await database.outline(0)).head).to.equal(2);
      expect(performance.now() - beganMs).to.be.below(3000);
    } finally {
      await proxy.close();
    }
  });

  it("is certain when the server refuses", async () => {
    const database = open(server().url);
    expect(await failure(database.claim(99, claimantOf({ life: "x" })))).to.be.instanceOf(NotDoneError);
    await server().query("ALTER TABLE rinha.member ADD CHECK (address <> 'bad')");
    const bad = { number: 0, life: "l", address: "bad", renewal: "r" };
    expect(await failure(database.join(bad))).to.be.instanceOf(NotDoneError);
  });

  it("is certain when nothing could be sent, and all goes on when the server is back", async () => {
    const database = open(server().url);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await server().kill();
    const error = await failure(database.append([appendOf(0, 1, 0)]));
    // The connection may be found to be lost before or after.
    if (!(error instanceof NotDoneError)) expect(error).to.be.instanceOf(UnknownError);
    expect(await failure(database.append([appendOf(0, 1, 0)]))).to.be.instanceOf(NotDoneError);
    expect(await failure(database.outline(0))).to.be.instanceOf(NotDoneError);
    await server().start();
    expect(await database.append([appendOf(0, 1, 0)])).to.deep.equal([0]);
  });

  it("is certain of what waits, unknown of what is under way, when the store is closed", async () => {
    const database = open(server().url);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await server().set("synchronous_standby_names", "absent");
    const [first, second] = [1, 2].map((epoch) => failure(database.append([appendOf(0, epoch, 0)])));
    await waiting("SyncRep");
    await database.close();
    expect(await first).to.be.instanceOf(UnknownError);
    expect(await second).to.be.instanceOf(NotDoneError);
    expect(await failure(database.epochs())).to.be.instanceOf(NotDoneError);
  });

  it("never has a renewal wait for an append, a claim or a read", async () => {
    const database = open(server().url);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    const other = await server().connect();
    try {
      await other.query("BEGIN; SELECT FROM rinha.partition FOR UPDATE; LOCK TABLE rinha.chunk");
      const slow = [
        database.append([appendOf(0, 1, 0)]),
        ...[0, 1, 2].map((partition) => database.chunks(partition, 0, 1)),
        ...[0, 1, 2].map((partition) => database.claim(partition, claimantOf({ life }))),
      ];
      await waiting("transactionid");
      const beganMs = performance.now();
      expect(await database.renew(life, "next")).to.have.property("members");
      expect(performance.now() - beganMs).to.be.below(2000);
      await other.query("COMMIT");
      await Promise.all(slow);
    } finally {
      await other.end();
    }
  });
});
