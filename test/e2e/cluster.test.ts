import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, needsPostgres } from "./cluster.ts";
import type { Load, LoadOptions } from "./load.ts";
import { newPayment, type Payment, payMany } from "./payments.ts";
import { until } from "./until.ts";
import { auditWhole } from "./whole-audit.ts";

/** The lease, the claims and the replay, on a machine that has other things to do. */
const TAKEN_OVER_MS_MAX = 7000;
const LET_GO_MS_MAX = 1000;
const KEPT = 3000;

describe("instances over a PostgreSQL with a standby", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  const loads: Load[] = [];
  const others: Payment[] = [];

  before(async function () {
    needsPostgres(this);
    cluster = await Cluster.start();
    await cluster.begin(3);
  });
  after(() => cluster?.stop());
  afterEach(async () => {
    for (const load of loads) await load.end();
  });

  function startLoad(options: LoadOptions = {}): Load {
    const load = cluster.service.startLoad(options);
    loads.push(load);
    return load;
  }

  async function audit(): Promise<void> {
    for (const load of loads) await load.end();
    await auditWhole(cluster.service, loads, others);
    expect(await cluster.chunksOutOfOrder()).to.equal(0);
  }

  async function payAhead(count: number): Promise<void> {
    for (let paid = 0; paid < count; paid += 100) {
      const payments = Array.from({ length: 100 }, (_, i) => newPayment(100 + i));
      await payMany(cluster.service.front, payments);
      others.push(...payments);
    }
  }

  it("are replaced by the others within 7 s when killed, and get their share again", async () => {
    const { service } = cluster;
    await payAhead(KEPT);
    const load = startLoad();
    await load.more(100);
    const before = await cluster.tenures();
    const owned = await cluster.ownedBy(3);
    await service.topology.kill("instance-3");
    expect(await cluster.msUntilCarriedWithout(3)).to.be.below(TAKEN_OVER_MS_MAX);
    expect(await cluster.movedSince(before)).to.deep.equal(owned);
    await load.more(100);
    await service.topology.restart("instance-3");
    await service.untilShared([1, 2, 3]);
    await load.more(100);
    await audit();
  });

  it("hand over exactly what they have when they end, within 1 s, and take exactly their share when they join", async () => {
    const { service } = cluster;
    const load = startLoad();
    await load.more(50);
    const before = await cluster.tenures();
    const owned = await cluster.ownedBy(2);
    const ending = service.topology.kill("instance-2", "SIGTERM");
    const ms = await cluster.msUntilCarriedWithout(2);
    expect(await ending).to.deep.equal({ code: 0, signal: null });
    console.log("ms", ms, load.failures);
    expect(ms).to.be.below(LET_GO_MS_MAX);
    expect(await cluster.movedSince(before)).to.deep.equal(owned);
    await load.more(50);
    const between = await cluster.tenures();
    await service.topology.restart("instance-2");
    await service.untilShared([1, 2, 3]);
    expect(await cluster.movedSince(between)).to.deep.equal(await cluster.ownedBy(2));
    await load.more(50);
    await load.end();
    expect(load.failures).to.deep.equal([]);
    await audit();
  });

  it("refuse while the database is gone, tell the truth about it, and go on with what they have", async () => {
    const { pair } = cluster;
    const load = startLoad();
    await load.more(50);
    const before = await cluster.tenures();
    await pair.primary.kill();
    await sleep(3000);
    const countAway = load.accepted.length;
    await sleep(1000);
    expect(load.accepted.length).to.equal(countAway);
    await pair.primary.start();
    const backAtMs = performance.now();
    await until("payments are accepted", () => load.accepted.length > countAway);
    console.log(
      "back",
      performance.now() - backAtMs,
      "longest",
      load.longestMs,
      load.refused.length,
      load.uncertain.length,
    );
    await load.more(100);
    expect(await cluster.movedSince(before)).to.deep.equal([]);
    await audit();
  });
});
