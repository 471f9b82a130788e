import { describeDatabase } from "../../support/database-contract.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";

const EMPTY = `
DELETE FROM rinha.member; DELETE FROM rinha.carriage; DELETE FROM rinha.chunk; DELETE FROM rinha.checkpoint;
UPDATE rinha.partition SET life = NULL, epoch = 0, head = 0, capacity = 0, checkpoint = NULL,
  since = 0, halted = NULL;`;

describe("PostgreSQL", () => {
  const server = usePostgres();
  const open = useDatabases();

  before(() => makeStore(server()));

  describeDatabase("PostgreSQL", async () => {
    await server().query(EMPTY);
    const database = open(server().url);
    return { database, close: () => database.close() };
  });
});
