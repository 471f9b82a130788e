import { expect } from "chai";
import { Client } from "pg";
import { findPostgres, PostgresServer } from "../../../perf/postgres/postgres-server.ts";
import type { RunningProcessor } from "../../../perf/processor/processor.ts";
import { POLL_INTERVAL_MS } from "../../../server/health/poll-rights.ts";
import { PostgresPollTable } from "../../../server/health/postgres-poll-table.ts";
import { RIGHT_MS } from "../../../server/health/register-consent.ts";
import { until } from "../../e2e/until.ts";
import { LoneMonitor, leastGapMs, startProcessors } from "../../support/health-monitors.ts";
import { makeStore } from "../../support/postgres-store.ts";

const PATIENCE_MS = 30_000;
const KEYS = [
  { name: "default", urlHash: "00" },
  { name: "fallback", urlHash: "01" },
];
const HEALTHY = { failing: false, minResponseMs: 12.4 };

describe("the right to poll in PostgreSQL", function () {
  this.timeout(120_000);
  let server: PostgresServer;

  before(async function () {
    const found = findPostgres();
    if ("missing" in found) {
      process.stdout.write(`    skipped: ${found.missing}\n`);
      this.skip();
    }
    server = await PostgresServer.start();
    await makeStore(server);
  });

  after(() => server?.remove());

  describe("by its statements", () => {
    let client: Client;
    let table: PostgresPollTable;

    beforeEach(async () => {
      await server.query("TRUNCATE rinha.health");
      client = new Client({ connectionString: server.url });
      await client.connect();
      table = new PostgresPollTable((text, values) => client.query(text, [...values]), KEYS);
    });

    afterEach(() => client.end());

    it("is had by one at a time, until it ends", async () => {
      expect(await table.tryTake(0, "a", 2000)).to.equal(true);
      expect(await table.tryTake(0, "b", 2000)).to.equal(false);
      expect(await table.tryTake(0, "a", 2000)).to.equal(false);
      expect(await table.tryTake(1, "b", 2000)).to.equal(true);
      await new Promise((resolve) => setTimeout(resolve, 2050));
      expect(await table.tryTake(0, "b", 2000)).to.equal(true);
    });

    it("is had by one of many who ask at once", async () => {
      const clients = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const other = new Client({ connectionString: server.url });
          await other.connect();
          return other;
        }),
      );
      for (let round = 0; round < 20; round++) {
        const asked = clients.map((other, i) => {
          const query = (text: string, values: readonly unknown[]) => other.query(text, [...values]);
          return new PostgresPollTable(query, KEYS).tryTake(0, `${round}-${i}`, 1000);
        });
        const answers = await Promise.all(asked);
        expect(answers.filter((isTaken) => isTaken)).to.have.length(1);
        await table.keep(0, `${round}-${answers.indexOf(true)}`, 0);
      }
      await Promise.all(clients.map((other) => other.end()));
    });

    it("is kept, given back and told of by whoever has it, and by nobody else", async () => {
      await table.tryTake(0, "a", 20_000);
      await table.keep(0, "b", 0, HEALTHY);
      expect(await table.tryTake(0, "b", 100)).to.equal(false);
      expect(await table.latest()).to.deep.equal([]);
      await table.keep(0, "a", 50_000);
      const [row] = await server.query(
        "SELECT until > clock_timestamp() + interval '40 s' AS is_longer FROM rinha.health",
      );
      expect(row).to.deep.equal({ is_longer: true });
      await table.keep(0, "a", 0, HEALTHY);
      const [latest, ...more] = await table.latest();
      expect(latest).to.deep.include({ processor: 0 });
      expect(latest!.news).to.deep.include({ token: "a", result: { failing: false, minResponseMs: 12 } });
      expect(latest!.news.ageMs).to.be.within(0, 5000);
      expect(more).to.deep.equal([]);
      expect(await table.tryTake(0, "b", 100)).to.equal(true);
    });

    it("tells nothing that is old, or of processors that are not asked for", async () => {
      await table.tryTake(0, "a", 100);
      await table.keep(0, "a", 100, HEALTHY);
      const others = new PostgresPollTable((text, values) => client.query(text, [...values]), [KEYS[1]!]);
      expect(await others.latest()).to.deep.equal([]);
      await server.query("UPDATE rinha.health SET polled_at = polled_at - interval '61 s'");
      expect(await table.latest()).to.deep.equal([]);
    });

    it("begins anew, and with nobody, after the database's clock was set back by an hour", async () => {
      await table.tryTake(0, "a", 2000);
      await server.query("UPDATE rinha.health SET until = until + interval '1 h'");
      expect(await table.tryTake(0, "b", 2000)).to.equal(false);
      expect(await table.tryTake(0, "b", 2000)).to.equal(false);
      await new Promise((resolve) => setTimeout(resolve, 2050));
      expect(await table.tryTake(0, "b", 2000)).to.equal(true);
    });
  });

  describe("of health monitors", () => {
    let processors: (RunningProcessor & { name: string })[];
    const monitors: LoneMonitor[] = [];

    beforeEach(async () => {
      processors = await startProcessors();
    });

    afterEach(async () => {
      await Promise.all(monitors.splice(0).map((monitor) => monitor.stop()));
      for (const processor of processors) processor.close();
    });

    async function untilPolledAgain(what: string): Promise<void> {
      const before = processors.map(({ healthArrivals }) => healthArrivals.count);
      const isPolled = () => processors.every(({ healthArrivals }, i) => healthArrivals.count > before[i]!);
      await until(`${what}: both processors are polled`, isPolled, PATIENCE_MS);
    }

    it("keeps their calls 5 s apart, through a kill of the database, and all hear of every result", async () => {
      processors[0]!.settings.delayMs = 7;
      for (let i = 0; i < 2; i++) monitors.push(await LoneMonitor.start(processors, { storeUrl: server.url }));
      await untilPolledAgain("at first");
      await until("both know", () => monitors.every(({ knownMs }) => knownMs[0] === 7));
      await untilPolledAgain("in good weather");
      await server.kill();
      await server.start();
      const backAtMs = performance.now();
      processors[0]!.settings.delayMs = 70;
      await untilPolledAgain("when it is back");
      expect(performance.now() - backAtMs).to.be.at.least(RIGHT_MS - 1000);
      await until("both know", () => monitors.every(({ knownMs }) => knownMs[0] === 70));
      expect(leastGapMs(processors)).to.be.at.least(POLL_INTERVAL_MS);
      for (const { lines } of monitors) {
        expect(lines[0]).to.match(/out of reach/);
        expect(lines.join("\n")).to.match(/there again/);
      }
    });
  });
});
