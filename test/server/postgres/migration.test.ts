import { expect } from "chai";
import { NotDoneError } from "../../../server/lease/database.ts";
import { Connector } from "../../../server/postgres/connector.ts";
import { migrate } from "../../../server/postgres/migration.ts";
import { SCHEMA_STEPS, SCHEMA_VERSION } from "../../../server/postgres/schema.ts";
import { readStoreUrl } from "../../../server/postgres/store-url.ts";
import { init } from "../../../server/store-cli/init.ts";
import { useDatabases, usePostgres } from "../../support/postgres-store.ts";
import { failure } from "../../support/processes.ts";

describe("the making of a store", () => {
  const server = usePostgres();
  const open = useDatabases();

  beforeEach(() => server().query("DROP SCHEMA IF EXISTS rinha CASCADE"));

  const initialize = (partitionCount?: number) => init(readStoreUrl(server().url), partitionCount);

  it("is needed before anything else", async () => {
    const error = await failure(open(server().url).layout());
    expect(error).to.be.instanceOf(NotDoneError);
    expect(error.message).to.include("version=none");
  });

  it("makes 12 partitions, and changes nothing when it is said again", async () => {
    expect(await initialize()).to.include({ kind: "there", from: 0, to: SCHEMA_VERSION, partitionCount: 12 });
    await server().query("UPDATE rinha.partition SET head = 5 WHERE number = 11");
    expect(await initialize()).to.include({ from: SCHEMA_VERSION, to: SCHEMA_VERSION, partitionCount: 12 });
    expect(await initialize(12)).to.include({ kind: "there" });
    const database = open(server().url);
    expect(await database.layout()).to.include({ partitionCount: 12 });
    expect((await database.outline(11)).head).to.equal(5);
  });

  it("may be said by several at once", async () => {
    const results = await Promise.all([initialize(4), initialize(4), initialize(4)]);
    expect(results.map((result) => result.kind === "there" && result.from).sort()).to.deep.equal([
      ...[0, SCHEMA_VERSION, SCHEMA_VERSION],
    ]);
  });

  it("refuses another number of partitions, one that cannot be, and a later release", async () => {
    expect(await initialize(257)).to.deep.equal({
      kind: "refused",
      reasons: ["a store has 1 to 256 partitions: partitions=257"],
    });
    await initialize(4);
    expect(await initialize(5))
      .to.have.property("reasons")
      .that.deep.equals(["the number of partitions is fixed when a store is made: partitions=5 store=4"]);
    await server().query("UPDATE rinha.store SET version = version + 1");
    expect(await initialize(4)).to.have.property("kind", "refused");
    expect((await failure(open(server().url).layout())).message).to.include("of a later release");
  });

  it("takes only the steps that are missing, once", async () => {
    await initialize(4);
    await server().query("UPDATE rinha.partition SET head = 5");
    const steps = [...SCHEMA_STEPS, "CREATE TABLE rinha.later (); ALTER TABLE rinha.member ADD note text"];
    const connector = new Connector(readStoreUrl(server().url));
    const session = await connector.connect(5000);
    try {
      const later = { from: SCHEMA_VERSION, to: steps.length, partitionCount: 4 };
      expect(await migrate(session, undefined, 5000, steps)).to.deep.equal(later);
      expect(await migrate(session, 4, 5000, steps)).to.deep.equal({ ...later, from: steps.length });
      const [row] = await session.run(
        { text: "SELECT version, (SELECT sum(head) FROM rinha.partition) AS sum FROM rinha.store" },
        [],
        5000,
      );
      expect(row).to.deep.equal({ version: steps.length, sum: "20" });
    } finally {
      session.end();
      connector.close();
    }
  });

  it("leaves nothing behind when it fails in the middle", async () => {
    await server().query("CREATE SCHEMA rinha; CREATE TABLE rinha.slice (here_before int)");
    expect(await failure(initialize())).to.be.instanceOf(NotDoneError);
    const tables = await server().query("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'rinha'");
    expect(tables).to.deep.equal([{ name: "slice" }]);
  });

  it("refuses a server that loses what it acknowledged", async () => {
    await server().set("synchronous_commit", "off");
    try {
      expect(await initialize()).to.deep.equal({
        kind: "refused",
        reasons: ["a crash of the server loses what was acknowledged: synchronous_commit=off"],
      });
      expect(await server().query("SELECT FROM pg_namespace WHERE nspname = 'rinha'")).to.deep.equal([]);
    } finally {
      await server().set("synchronous_commit", "on");
    }
  });
});
