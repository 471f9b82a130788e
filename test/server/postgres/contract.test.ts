import { findPostgres, PostgresServer } from "../../../perf/postgres/postgres-server.ts";
import { Connector } from "../../../server/postgres/connector.ts";
import { migrate } from "../../../server/postgres/migration.ts";
import { PostgresDatabase } from "../../../server/postgres/postgres-database.ts";
import { readStoreUrl } from "../../../server/postgres/store-url.ts";
import { describeDatabase } from "../../support/database-contract.ts";

const EMPTY = `
DELETE FROM rinha.member; DELETE FROM rinha.carriage; DELETE FROM rinha.chunk; DELETE FROM rinha.checkpoint;
UPDATE rinha.partition SET life = NULL, epoch = 0, head = 0, capacity = 0, checkpoint = NULL,
  since = 0, halted = NULL;`;

describe("PostgreSQL", () => {
  let server: PostgresServer | undefined;

  before(async function () {
    const found = findPostgres();
    if ("missing" in found) {
      this.test!.title = `is skipped: ${found.missing}`;
      return this.skip();
    }
    server = await PostgresServer.start();
    const session = await new Connector(readStoreUrl(server.url)).connect(10_000);
    await migrate(session, 3, 10_000);
    session.end();
  });
  after(() => server?.remove());

  describeDatabase("PostgreSQL", async () => {
    await server!.query(EMPTY);
    const database = new PostgresDatabase(readStoreUrl(server!.url));
    return { database, close: () => database.close() };
  });
});
