import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, needsPostgres } from "./cluster.ts";
import { Hosts } from "./hosts.ts";
import { isFine, type Load } from "./load.ts";
import { type Payment, pay } from "./payments.ts";
import { until } from "./until.ts";
import { auditWhole } from "./whole-audit.ts";

const TAKEN_OVER_MS_MAX = 7000;

describe("instances and a store's servers on hosts that are cut from each other", function () {
  this.timeout(90_000);
  let hosts: Hosts | undefined;
  let cluster: Cluster;
  const loads: Load[] = [];
  /** Sent, and refused as perhaps accepted. */
  const uncertain: Payment[] = [];
  const cuts: (readonly [string, string])[] = [];

  before(async function () {
    needsPostgres(this);
    const missing = await Hosts.missing();
    if (missing !== undefined) {
      this.test!.title = `is skipped: ${missing}`;
      return this.skip();
    }
    hosts = await Hosts.create(Cluster.HOSTS);
    cluster = await Cluster.start(hosts);
    await cluster.begin(3);
  });
  beforeEach(() => cluster.heal());
  afterEach(async () => {
    for (const [one, other] of cuts.splice(0)) await hosts!.mend(one, other);
    for (const load of loads) await load.end();
  });
  after(async () => {
    await cluster?.stop();
    await hosts?.remove();
  });

  function startLoad(): Load {
    const load = cluster.service.startLoad();
    loads.push(load);
    return load;
  }

  async function cut(one: string, ...others: readonly string[]): Promise<void> {
    for (const other of others) {
      await hosts!.cut(one, other);
      cuts.push([one, other]);
    }
  }

  async function mendAll(): Promise<void> {
    for (const [one, other] of cuts.splice(0)) await hosts!.mend(one, other);
  }

  async function audit(): Promise<void> {
    for (const load of loads) await load.end();
    await auditWhole(cluster.service, loads, { uncertain });
    expect(await cluster.chunksOutOfOrder()).to.equal(0);
  }

  it("replace one that reaches all but the store, until it joins anew", async () => {
    const load = startLoad();
    await load.more(50);
    const owned = await cluster.ownedBy(3);
    const before = await cluster.tenures();
    await cut("3", "primary", "standby");
    const cutAtMs = performance.now();
    await until("others have its partitions", async () => (await cluster.ownedBy(3)).length === 0);
    await cluster.msUntilCarriedWithout(3);
    expect(performance.now() - cutAtMs).to.be.below(TAKEN_OVER_MS_MAX);
    expect(await cluster.movedSince(before)).to.deep.equal(owned);
    await load.more(100);
    await mendAll();
    await cluster.service.untilShared([1, 2, 3]);
    await load.more(50);
    await audit();
  });

  it("bring payments to their carriers by the balancer where two cannot talk, and sum up nothing partial", async () => {
    const { service } = cluster;
    const load = startLoad();
    await load.more(50);
    await cut("1", "2");
    const count = load.accepted.length;
    await sleep(1000);
    let told = 0;
    const statuses = new Set<number>();
    const untilMs = performance.now() + 3000;
    while (performance.now() < untilMs) {
      for (const instance of [1, 2, 3]) {
        const { status, body } = await service.at(instance).get("/payments-summary");
        statuses.add(status);
        if (status !== 200) continue;
        const counted = Object.values(JSON.parse(body) as Record<string, { totalRequests: number }>);
        const sum = counted.reduce((total, { totalRequests }) => total + totalRequests, 0);
        expect(sum, `instance=${instance}`).to.be.at.least(told);
        told = sum;
      }
    }
    expect(load.accepted.length - count).to.be.above(20);
    expect(statuses).to.deep.equal(new Set([200, 503]));
    await mendAll();
    await service.untilShared([1, 2, 3]);
    await load.more(50);
    await audit();
  });

  it("accept nothing that the standby does not have, and go on when the two can talk again", async () => {
    const load = startLoad();
    await load.more(50);
    await cut("primary", "standby");
    await sleep(500);
    const count = load.accepted.length;
    await sleep(1500);
    expect(load.accepted.length).to.equal(count);
    await mendAll();
    await load.more(50);
    await cluster.service.untilShared([1, 2, 3]);
    await audit();
  });

  it("follow a standby that was promoted though the former primary lives, and believe that one nothing", async () => {
    const { pair, service } = cluster;
    const load = startLoad();
    await load.more(50);
    // An instance that is left with the former primary, which has no standby to confirm anything any more.
    await cut("primary", "standby", "1", "2");
    await cut("3", "standby", "1", "2");
    const stranded = await cluster.paymentsOf(3, 20);
    await pair.promoteStandby();
    uncertain.push(...stranded);
    const answers = await Promise.all(stranded.map((payment) => pay(service.at(3), payment)));
    expect(answers.filter(isFine)).to.deep.equal([]);
    await until("others have its partitions", async () => (await cluster.ownedBy(3)).length === 0);
    await load.more(50);
    for (const answer of await Promise.all(stranded.map((payment) => pay(service.at(3), payment))))
      expect(answer.status).to.equal(503);
    await mendAll();
    await service.untilShared([1, 2, 3]);
    await load.more(50);
    await audit();
  });
});
