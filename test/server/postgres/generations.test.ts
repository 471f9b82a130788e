import { expect } from "chai";
import type { Database } from "../../../server/lease/database.ts";
import { Connector } from "../../../server/postgres/connector.ts";
import { CHUNKS } from "../../../server/postgres/log-statements.ts";
import { readStoreUrl } from "../../../server/postgres/store-url.ts";
import { appendOf, claimed, joined } from "../../support/database-contract.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";

const TABLES = `SELECT relname::text AS name FROM pg_class WHERE relname ~ '^chunk_\\d+$' ORDER BY relname`;
const UPDATES = `SELECT n_tup_upd::int AS updates, n_tup_hot_upd::int AS hot
  FROM pg_stat_user_tables WHERE relname = 'partition'`;

describe("what PostgreSQL keeps of the logs", () => {
  const server = usePostgres();
  const open = useDatabases();
  /** A generation is full with a chunk of 500 records in it, and not with some small ones: pages have 8 kB. */
  const SMALL = { generationBytesMax: 50_000 };

  beforeEach(() => makeStore(server()));

  const tables = async (): Promise<unknown[]> => (await server().query(TABLES)).map(({ name }) => name);

  async function checkpoint(database: Database, partition: number, epoch: number, lsn: number): Promise<void> {
    const number = (await database.beginCheckpoint(partition, epoch, { lsn, latestMs: 1 }))!;
    await database.putSlice(partition, number, 0, new Uint8Array(48));
    expect(await database.finishCheckpoint(partition, epoch, number, { slices: 1, rows: 1 })).to.equal(true);
  }

  it("is dropped by whole tables, once every partition's checkpoint covers them", async () => {
    const database = open(server().url, SMALL);
    const { life } = await joined(database, 0);
    for (const partition of [0, 1]) await claimed(database, partition, { life });
    await database.append([appendOf(0, 1, 0, 500), appendOf(1, 1, 0, 1)]);
    await database.tidy();
    expect(await tables()).to.deep.equal(["chunk_1", "chunk_2"]);
    await database.append([appendOf(0, 1, 500, 2)]);
    await checkpoint(database, 0, 1, 501);
    await database.tidy();
    // Partition 1 still needs its first chunk.
    expect(await tables()).to.deep.equal(["chunk_1", "chunk_2"]);
    await checkpoint(database, 1, 1, 1);
    await database.tidy();
    expect(await tables()).to.deep.equal(["chunk_2"]);
    expect((await database.chunks(0, 0, 1_000_000)).map(({ lsn }) => lsn)).to.deep.equal([500]);
    expect(await database.append([appendOf(0, 1, 502), appendOf(1, 1, 1)])).to.deep.equal([0, 1]);
    expect((await database.chunks(0, 501, 1_000_000)).map(({ lsn }) => lsn)).to.deep.equal([500, 502]);
  });

  it("is not dropped while somebody reads, and without holding up appends for long", async () => {
    const database = open(server().url, SMALL);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await database.append([appendOf(0, 1, 0, 500)]);
    await checkpoint(database, 0, 1, 500);
    const reader = await server().connect();
    try {
      await reader.query("BEGIN; SELECT count(*) FROM rinha.chunk");
      const beganMs = performance.now();
      const tidying = database.tidy();
      for (let lsn = 500; lsn < 520; lsn++) expect(await database.append([appendOf(0, 1, lsn)])).to.deep.equal([0]);
      await tidying;
      expect(performance.now() - beganMs).to.be.below(3000);
      expect(await tables()).to.deep.equal(["chunk_1", "chunk_2"]);
      await reader.query("COMMIT");
      await checkpoint(database, 0, 1, 520);
      await database.tidy();
      expect(await tables()).to.not.include("chunk_1");
    } finally {
      await reader.end();
    }
  });

  it("loses no append that meets with a drop", async () => {
    const [carrier, cleaner] = [open(server().url, SMALL), open(server().url, SMALL)];
    const { life } = await joined(carrier, 0);
    await claimed(carrier, 0, { life });
    let head = 0;
    let isOver = false;
    const tidying = (async () => {
      while (!isOver) await cleaner.tidy();
    })();
    const untilMs = performance.now() + 4000;
    for (let round = 0; performance.now() < untilMs; round++) {
      expect(await carrier.append([appendOf(0, 1, head, 100)])).to.deep.equal([0]);
      head += 100;
      if (round % 10 === 0) await checkpoint(carrier, 0, 1, head - 50);
    }
    isOver = true;
    await tidying;
    const chunks = await carrier.chunks(0, 0, 100_000_000);
    expect(chunks[0]!.lsn).to.be.above(0);
    const [first] = chunks;
    expect(chunks.map(({ lsn }) => lsn)).to.deep.equal(chunks.map((_, i) => first!.lsn + i * 100));
    expect(chunks.at(-1)!.lsn + 100).to.equal(head);
  });

  it("takes every append while generations begin one after the other", async () => {
    const [carrier, cleaner] = [open(server().url), open(server().url, { generationBytesMax: 0 })];
    const { life } = await joined(carrier, 0);
    await claimed(carrier, 0, { life });
    let isOver = false;
    const tidying = (async () => {
      while (!isOver) await cleaner.tidy();
    })();
    const untilMs = performance.now() + 4000;
    let lsn = 0;
    for (; performance.now() < untilMs; lsn++) expect(await carrier.append([appendOf(0, 1, lsn)])).to.deep.equal([0]);
    isOver = true;
    await tidying;
    expect((await carrier.chunks(0, 0, 100_000_000)).at(0)?.lsn).to.equal(0);
    expect((await tables()).length).to.be.above(10);
  });

  it("keeps carriages as long as records go by them", async () => {
    const database = open(server().url, SMALL);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await database.append([appendOf(0, 1, 0, 500)]);
    const [raised] = await database.raise([{ partition: 0, since: 1 }]);
    await database.append([appendOf(0, 2, 500, 1)]);
    await database.tidy();
    expect([...(await database.names(0)).keys()]).to.have.members([1, 2]);
    await checkpoint(database, 0, raised!.epoch, 501);
    await database.append([appendOf(0, 2, 501)]);
    await database.tidy();
    await database.tidy();
    expect([...(await database.names(0)).keys()]).to.deep.equal([2]);
  });

  it("is read along an index, from where it was asked for", async () => {
    const database = open(server().url, SMALL);
    const { life } = await joined(database, 0);
    await claimed(database, 0, { life });
    await database.append([appendOf(0, 1, 0, 500)]);
    await database.tidy();
    const connector = new Connector(readStoreUrl(server().url));
    const session = await connector.connect(5000);
    try {
      const plan = await session.run({ text: `EXPLAIN (COSTS OFF) ${CHUNKS.text}` }, [0, 7, 1000], 5000);
      const text = plan.map((row) => String(row["QUERY PLAN"])).join("\n");
      expect(text).to.match(/Merge Append\n.*Sort Key: \w+\.first_lsn\n.*Index Scan using chunk_1_pkey/);
      expect(text).to.not.match(/-> {2}Sort\b|Bitmap|Seq Scan/);
    } finally {
      session.end();
      connector.close();
    }
  });

  it("is updated in place: no index grows with the appends", async () => {
    const database = open(server().url);
    await makeStore(server(), 12);
    const { life } = await joined(database, 0);
    const partitions = [...Array(12).keys()];
    for (const partition of partitions) await claimed(database, partition, { life });
    for (let lsn = 0; lsn < 400; lsn++)
      await database.append(partitions.map((partition) => appendOf(partition, 1, lsn)));
    await database.close();
    const [row] = await server().query(UPDATES);
    expect(row!["updates"]).to.be.above(400 * 12 * 0.9);
    expect(Number(row!["hot"]) / Number(row!["updates"])).to.be.above(0.95);
  });
});
