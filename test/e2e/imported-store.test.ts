import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import { INSTANCE_MAIN } from "../../perf/launch/plans.ts";
import { RestoredMarkFile } from "../../server/journal/restored-mark-file.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import { readStoreUrl } from "../../server/postgres/store-url.ts";
import { type ImportResult, importJournals } from "../../server/store-cli/import/import.ts";
import { JournalLife } from "../support/journal-life.ts";
import { makeStore, usePostgres } from "../support/postgres-store.ts";
import { Random } from "../support/random.ts";
import { TWO_NAMES } from "../support/terms.ts";
import { Caller } from "./caller.ts";
import { ClusterService } from "./cluster-service.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, type Payment, pay, payMany, untilState, viewOf } from "./payments.ts";
import { countOf, summaryOf } from "./summaries.ts";
import { until } from "./until.ts";
import { LOST_AFTER_MS } from "./wire.ts";

const MAIN = join(REPOSITORY_ROOT, "build", "server", "store-cli", "main.js");
const PARTITIONS = 3;

function payments(count: number): Payment[] {
  return Array.from({ length: count }, (_, i) => newPayment(1 + 7 * i));
}

describe("import of journals into a store", function () {
  this.timeout(240_000);
  const server = usePostgres();
  let service: ClusterService;
  let dataDir: string;
  let embedded: ChildProcess | undefined;

  beforeEach(async () => {
    await server().query("DROP SCHEMA IF EXISTS rinha CASCADE");
    service = await ClusterService.start(server());
    dataDir = join(service.directory, "data");
  });

  afterEach(async () => {
    await endEmbedded();
    await service?.stop();
  });

  const imported = (): Promise<ImportResult> => importJournals(readStoreUrl(server().url), dataDir, () => {});

  /** 503 while its partition is changing hands, and never another before the one that is expected. */
  async function answerTo(payment: Payment): Promise<number> {
    const { status } = await pay(service.caller, payment);
    expect(status).to.be.oneOf([200, 409, 503]);
    return status;
  }

  async function startEmbedded(): Promise<Caller> {
    const directory = join(service.directory, "embedded");
    mkdirSync(directory, { recursive: true });
    const { child, socketPath } = await startLoneInstance(directory, "ignore", {
      DATA_DIR: dataDir,
      PARTITIONS: String(PARTITIONS),
      ...service.processorVariables,
    });
    embedded = child;
    return new Caller({ socketPath });
  }

  async function endEmbedded(): Promise<void> {
    const child = embedded;
    embedded = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  /** Payments that are processed, in doubt and pending, when the instance is killed. */
  async function embeddedLife(): Promise<{ all: Payment[]; views: PaymentView[]; summary: object }> {
    const caller = await startEmbedded();
    const processed = payments(30);
    await payMany(caller, processed);
    await untilState(caller, processed, "processed");
    await service.wires.fallback.set("refusing");
    await service.wires.default.set("losing answers");
    const doubtful = payments(8);
    // All are out before the first answer is lost: once the processor is down, nothing else is sent to it.
    service.processors.default.settings.delayMs = LOST_AFTER_MS;
    await payMany(caller, doubtful);
    await untilState(caller, doubtful, "in doubt");
    service.processors.default.settings.delayMs = 0;
    await service.wires.default.set("refusing");
    const pending = payments(12);
    await payMany(caller, pending);
    await untilState(caller, pending, "pending");
    const all = [...processed, ...doubtful, ...pending];
    const views = await Promise.all(all.map((payment) => viewOf(caller, payment)));
    const { default: atDefault, fallback } = await summaryOf(caller);
    caller.close();
    return { all, views, summary: { default: atDefault, fallback } };
  }

  it("moves payments in every state: ids, doubts, duplicates and sums go on", async () => {
    const { all, views, summary } = await embeddedLife();
    expect(JSON.stringify(await imported()), "while an instance has the journals").to.match(
      /"refused".*a journal is in use: DIR=.*data partition=1/,
    );
    await endEmbedded();
    const result = await imported();
    if (result.kind !== "imported") throw new Error(JSON.stringify(result));
    const sum = (of: "payments" | "unsettled") => result.partitions.reduce((total, p) => total + p[of], 0);
    expect([result.partitions.length, sum("payments"), sum("unsettled")]).to.deep.equal([PARTITIONS, 50, 20]);

    await service.startInstances(2);
    const { default: atDefault, fallback } = await summaryOf(service.caller);
    expect({ default: atDefault, fallback }, "to the cent").to.deep.equal(summary);
    for (const { id, correlationId, requestedAt, processor, state } of views) {
      const now = await service.viewOf({ correlationId: id });
      expect(now).to.deep.include({ id, correlationId });
      if (state === "in doubt") expect(now).to.deep.include({ state, requestedAt, processor });
    }
    for (const payment of all) await until("a duplicate is told", async () => (await answerTo(payment)) === 200);
    const other = { ...all[0]!, cents: all[0]!.cents + 1 };
    await until("another amount is refused", async () => (await answerTo(other)) === 409);

    await service.setWires("open");
    await until("all are processed", async () => (await service.processedCount()) === all.length);
    await service.expectBooksAgree();
    for (const { state, correlationId, requestedAt, processor } of views) {
      if (state !== "in doubt") continue;
      expect(await viewOf(service.caller, { correlationId })).to.include({
        state: "processed",
        requestedAt,
        processor,
      });
    }
  });

  it("takes along that records of a journal may be lost", async () => {
    makeJournals(3);
    const mark = { lostFromMs: 1_700_000_000_000, sinceMs: 1_700_000_100_000 };
    new RestoredMarkFile(join(dataDir, "partition-2")).write(mark);
    expect((await imported()).kind).to.equal("imported");
    const rows = await server().query(`SELECT is_restored, lost_from_ms AS "lostFromMs", restored_since_ms AS "sinceMs"
      FROM rinha.partition ORDER BY number`);
    const none = { is_restored: false, lostFromMs: null, sinceMs: null };
    expect(rows).to.deep.equal([none, { is_restored: true, ...mark }, none]);
  });

  it("is done once, and the journals are not used any more", async () => {
    await embeddedLife();
    await endEmbedded();
    expect((await imported()).kind).to.equal("imported");
    expect(await imported()).to.deep.equal({ kind: "was there" });
    const { status, output } = startedAgain();
    expect([status, output]).to.satisfy(([code, text]: [number, string]) => {
      return code === 1 && text.includes("journals that were imported into a store, or are being imported");
    });
    await makeStore(server(), PARTITIONS);
    expect(JSON.stringify(await imported()), "into another store").to.match(/"refused".*journals are imported once/);
  });

  /** What an instance that is started on the journals says, and ends. */
  function startedAgain(): { status: number | null; output: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, [INSTANCE_MAIN], {
      encoding: "utf8",
      timeout: 30_000,
      env: { ...process.env, DATA_DIR: dataDir, LISTEN: `unix:${join(service.directory, "again.sock")}` },
    });
    return { status, output: stdout + stderr };
  }

  it("is refused by a store with other partitions, or that is not empty, and changes nothing", async () => {
    makeJournals(10);
    await makeStore(server(), 4);
    expect(JSON.stringify(await imported())).to.match(/"refused".*partitions=3 store=4; a payment's id/);
    await makeStore(server(), PARTITIONS);
    await server().query("UPDATE rinha.partition SET head = 1 WHERE number = 2");
    expect(JSON.stringify(await imported())).to.match(/"refused".*into an empty store/);
    expect(existsSync(join(dataDir, "imported.json"))).to.equal(false);
    const nothing = await importJournals(readStoreUrl(server().url), join(dataDir, "nowhere"), () => {});
    expect(JSON.stringify(nothing)).to.match(/"refused".*there must be journals/);
  });

  it("goes on after a kill -9 in its midst; nobody can start in between", async () => {
    const count = 40_000;
    makeJournals(count);
    const child = spawn(process.execPath, [MAIN, "import", dataDir, "--store", server().url], { stdio: "ignore" });
    const ended = once(child, "exit");
    await until("a partition is moved", async () => (await copiedCount()) > 0);
    child.kill("SIGKILL");
    await ended;
    expect(await copiedCount(), "some are moved, some are not").to.be.within(1, PARTITIONS - 1);
    const halted = await server().query("SELECT FROM rinha.partition WHERE halted LIKE 'an import is not finished%'");
    expect(halted).to.have.length(PARTITIONS);

    const result = await imported();
    if (result.kind !== "imported") throw new Error(JSON.stringify(result));
    expect(result.partitions[0]).to.deep.include({ wasThere: true });
    const [rows] = await server().query(`
      SELECT sum(rows)::int AS rows, count(*)::int AS checkpoints, bool_and(is_finished) AS is_finished,
        (SELECT count(*)::int FROM rinha.partition WHERE halted IS NULL) AS free
      FROM rinha.checkpoint`);
    const expected = { rows: count * PARTITIONS, checkpoints: PARTITIONS, is_finished: true, free: PARTITIONS };
    expect(rows).to.deep.equal(expected);
    await service.startInstances(1, { CAPACITY: "50000" });
    expect(countOf(await summaryOf(service.caller))).to.equal(count * PARTITIONS);
  });

  async function copiedCount(): Promise<number> {
    const query = "SELECT count(*)::int AS count FROM rinha.partition WHERE checkpoint IS NOT NULL";
    const [row] = await server()
      .query(query)
      .catch(() => [{ count: 0 }]);
    return row!["count"] as number;
  }

  /** As an embedded instance leaves them, with `count` processed payments each. */
  function makeJournals(count: number): void {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const path = join(dataDir, `partition-${partition + 1}`);
      const expected = { partition, partitionCount: PARTITIONS, processors: TWO_NAMES };
      const life = new JournalLife(path, new Random(partition + 1), { expected, capacity: count, toldCapacity: count });
      for (let i = 0; i < count; i++) {
        life.accept();
        life.processNewest(1, i % 2);
      }
      life.write();
      life.close();
    }
  }
});
