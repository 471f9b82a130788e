import { expect } from "chai";
import { readStoreUrl } from "../../server/postgres/store-url.ts";
import { restore } from "../../server/store-cli/restore.ts";
import { makeStore, usePostgres } from "../support/postgres-store.ts";
import { ClusterService } from "./cluster-service.ts";
import { newPayment, type Payment } from "./payments.ts";
import { summaryOf } from "./summaries.ts";
import { until } from "./until.ts";
import { LOST_AFTER_MS } from "./wire.ts";

/** Whatever is slow here, clients repeat in time. */
const ENV = { RESTORED_GRACE_MS: "600", RESTORED_WATCH_MS: "600000" };
const PARTITIONS = 3;

function payments(count: number): Payment[] {
  return Array.from({ length: count }, (_, i) => newPayment(100 + i));
}

describe("store that was restored", function () {
  this.timeout(240_000);
  const server = usePostgres();
  let service: ClusterService;

  beforeEach(async () => {
    await makeStore(server(), PARTITIONS);
    service = await ClusterService.start(server());
  });

  afterEach(() => service?.stop());

  const restored = () => restore(readStoreUrl(server().url), () => {});
  const processedCount = () => service.processedCount();
  const isMarked = async () => {
    const [row] = await server().query("SELECT bool_or(is_restored) AS is_marked FROM rinha.partition");
    return row!["is_marked"] === true;
  };

  /** A life in which payments are processed, in doubt and pending, when the backup is taken. */
  async function lifeUntilBackup(): Promise<{ all: Payment[]; backup: string }> {
    await service.startInstances(2);
    const processed = payments(5);
    await service.payAll(processed);
    await service.untilState(processed, "processed");
    await service.wires.fallback.set("refusing");
    await service.wires.default.set("losing answers");
    const doubtful = payments(6);
    // All are out before the first answer is lost: once the processor is down, nothing else is sent to it.
    service.processors.default.settings.delayMs = LOST_AFTER_MS;
    await service.payAll(doubtful);
    await service.untilState(doubtful, "in doubt");
    service.processors.default.settings.delayMs = 0;
    await service.wires.default.set("refusing");
    const pending = payments(15);
    await service.payAll(pending);
    await service.untilState(pending, "pending");
    return { all: [...processed, ...doubtful, ...pending], backup: await service.backUp() };
  }

  /** What follows the backup is lost: pending payments go to the fallback, doubts are settled, new payments come. */
  async function lifeThatIsLost(all: Payment[]): Promise<Payment[]> {
    Object.assign(service.processors.default.settings, { failing: true });
    await service.setWires("open");
    await until("the fallback takes payments", () => service.processors.fallback.charges.count >= 15);
    Object.assign(service.processors.default.settings, { failing: false });
    const forgotten = payments(10);
    await service.payAll(forgotten);
    all.push(...forgotten);
    await until("all are processed", async () => (await processedCount()) === all.length);
    return forgotten;
  }

  it("charges nothing twice, whatever happened after the backup, and counts all that clients repeat", async () => {
    const { all, backup } = await lifeUntilBackup();
    await lifeThatIsLost(all);
    const refused = await restored();
    expect(refused.kind, "while instances are there").to.equal("refused");
    expect(JSON.stringify(refused)).to.include("all instances must be stopped first: INSTANCE=1 address=unix:");
    await service.endInstances();
    await service.putBack(backup);

    const result = await restored();
    if (result.kind !== "restored") throw new Error(JSON.stringify(result));
    const sum = (of: "payments" | "unsettled") => result.partitions.reduce((total, p) => total + p[of], 0);
    expect([sum("payments"), sum("unsettled")]).to.deep.equal([26, 21]);

    await service.startInstances(2, ENV);
    await service.payAll(all);
    await until("all are counted", async () => (await processedCount()) === all.length);
    await service.expectBooksAgree();
    expect(await isMarked()).to.equal(true);
  });

  it("goes on after a crash in its midst, until all is known", async () => {
    const { all, backup } = await lifeUntilBackup();
    const forgotten = await lifeThatIsLost(all);
    await service.endInstances();
    await service.putBack(backup);
    expect((await restored()).kind).to.equal("restored");
    // No processor says anything: everything is held.
    await service.setWires("refusing");
    await service.startInstances(2, ENV);
    await service.payAll(forgotten);
    const { settledUntil } = await summaryOf(service.caller);
    const [before] = await server().query("SELECT max(restored_since_ms)::float8 AS since FROM rinha.partition");
    await service.endInstances();

    await service.startInstances(2, { ...ENV, RESTORED_WATCH_MS: "1000" });
    expect(await isMarked()).to.equal(true);
    const [after] = await server().query("SELECT max(restored_since_ms)::float8 AS since FROM rinha.partition");
    expect(after, "since the first start").to.deep.equal(before);
    expect((await summaryOf(service.caller)).settledUntil).to.equal(settledUntil);
    expect(await processedCount()).to.equal(5);
    await service.setWires("open");
    await until("all are counted", async () => (await processedCount()) === all.length);
    await service.expectBooksAgree();
    await until("nothing more is expected", async () => !(await isMarked()));
    await until("the watermark goes on", async () => (await summaryOf(service.caller)).settledUntil > settledUntil);
  });

  it("frees partitions that were halted, and is refused while an import is not finished", async () => {
    await server().query("UPDATE rinha.partition SET halted = 'lost' WHERE number = 1");
    const result = await restored();
    if (result.kind !== "restored") throw new Error(JSON.stringify(result));
    expect(result.partitions.map(({ halted }) => halted)).to.deep.equal([undefined, "lost", undefined]);
    expect(await server().query("SELECT FROM rinha.partition WHERE halted IS NULL")).to.have.length(PARTITIONS);
    await server().query("UPDATE rinha.store SET importing = 'x'");
    expect((await restored()).kind).to.equal("refused");
  });
});
