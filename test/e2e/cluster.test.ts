import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Cluster, needsPostgres } from "./cluster.ts";
import { isFine, type Load, type LoadOptions } from "./load.ts";
import { newPayment, type Payment, pay, payMany, untilState } from "./payments.ts";
import { ROLES } from "./service.ts";
import { UnreadRequests } from "./stopped-carrier.ts";
import { until } from "./until.ts";
import { auditWhole } from "./whole-audit.ts";

/** The lease, the claims and the replay, on a machine that has other things to do. */
const TAKEN_OVER_MS_MAX = 7000;
/** Once the database is there again. */
const BACK_MS_MAX = 2000;
/** An instance waits for a partition for 0.8 s, and nginx goes on to a second one after one. */
const ANSWER_MS_MAX = 4000;
const BUSY_MACHINE =
  / 503 .*(the process was stopped|is changing hands|may know this payment cannot be reached|says nothing)/;
const KEPT = 3000;

describe("instances over a PostgreSQL with a standby", function () {
  this.timeout(90_000);
  let cluster: Cluster;
  const loads: Load[] = [];
  /** Accepted besides the loads, and perhaps accepted. */
  const others: Payment[] = [];
  const uncertain: Payment[] = [];

  before(async function () {
    needsPostgres(this);
    cluster = await Cluster.start();
    await cluster.begin(3);
  });
  beforeEach(() => cluster.heal());
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
    await auditWhole(cluster.service, loads, { accepted: others, uncertain });
    expect(await cluster.chunksOutOfOrder()).to.equal(0);
  }

  /**
   * Nobody but a machine that has other things to do keeps a client from its 2xx: that one makes an instance take
   * itself for one that was stopped, and a move take longer than requests wait for it.
   */
  function expectCalm({ failures, accepted, longestMs }: Load): void {
    const others = failures.filter((failure) => !BUSY_MACHINE.test(failure));
    expect(others).to.deep.equal([]);
    expect(failures.length, failures[0]!).to.be.below(accepted.length / 5);
    expect(longestMs).to.be.below(ANSWER_MS_MAX);
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

  it("hand over exactly what they have when they end, and take exactly their share when they join", async () => {
    const { service } = cluster;
    const load = startLoad();
    await load.more(50);
    const before = await cluster.tenures();
    const owned = await cluster.ownedBy(2);
    const ending = service.topology.kill("instance-2", "SIGTERM");
    await cluster.msUntilCarriedWithout(2);
    expect(await ending).to.deep.equal({ code: 0, signal: null });
    expect(await cluster.movedSince(before)).to.deep.equal(owned);
    await load.more(50);
    const between = await cluster.tenures();
    await service.topology.restart("instance-2");
    await service.untilShared([1, 2, 3]);
    expect(await cluster.movedSince(between)).to.deep.equal(await cluster.ownedBy(2));
    await load.more(50);
    await load.end();
    expectCalm(load);
    await audit();
  });

  it("answer nothing that is stale when they were stopped for longer than their lease, and go on", async () => {
    const { service } = cluster;
    const { topology, processors } = service;
    // What was accepted is on its way to the processors, or about to be, when the process stops.
    for (const role of ROLES) processors[role].settings.delayMs = 300;
    const accepted = await cluster.paymentsOf(1, 20);
    await payMany(service.at(1), accepted);
    others.push(...accepted);
    topology.signal("instance-1", "SIGSTOP");
    const [elsewhere, fresh] = await cluster.paymentsOf(1, 2);
    uncertain.push(elsewhere!, fresh!);
    const unread = new UnreadRequests(service, 1);
    await unread.send({ accepted: accepted.slice(0, 5), elsewhere: elsewhere!, fresh: fresh! });
    expect(await cluster.msUntilCarriedWithout(1)).to.be.below(TAKEN_OVER_MS_MAX);
    for (const role of ROLES) processors[role].settings.delayMs = 0;
    await payMany(service.at(2), [elsewhere!]);
    for (const caller of [service.at(2), service.at(3)])
      await untilState(caller, [...accepted, elsewhere!], "processed");
    await unread.countNow();
    topology.signal("instance-1", "SIGCONT");
    const again = new UnreadRequests(service, 1);
    await again.countNow();
    await again.send({ accepted: accepted.slice(5, 10), elsewhere: elsewhere!, fresh: fresh! });
    await unread.answered();
    await again.answered();
    await until("the one that lay there is accepted", async () => isFine(await pay(service.front, fresh!)));
    others.push(elsewhere!, fresh!);
    await service.untilShared([1, 2, 3]);
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
    expect(performance.now() - backAtMs).to.be.below(BACK_MS_MAX);
    await load.more(100);
    expect(load.longestMs).to.be.below(ANSWER_MS_MAX);
    expect(load.refused).to.not.deep.equal([]);
    expect(await cluster.movedSince(before)).to.deep.equal([]);
    await audit();
  });

  it("know in the end what became of commits whose answers were lost", async () => {
    const { wires } = cluster;
    const load = startLoad();
    await load.more(50);
    const before = await cluster.tenures();
    const raisedBefore = await cluster.raisedCount();
    for (let i = 0; i < 5; i++) {
      for (const wire of wires) await wire.set("losing answers");
      await sleep(100);
      for (const wire of wires) await wire.set("open");
      await load.more(20);
    }
    expect(await cluster.raisedCount()).to.be.above(raisedBefore);
    expect(await cluster.movedSince(before)).to.deep.equal([]);
    await audit();
  });

  it("tell nothing that only the primary has, though it is made to end its wait for the standby", async () => {
    const { pair } = cluster;
    const load = startLoad();
    await load.more(50);
    const before = await cluster.tenures();
    await pair.standby.stopReceiving();
    await sleep(100);
    const count = load.accepted.length;
    for (const end of ["pg_cancel_backend", "pg_terminate_backend", "pg_cancel_backend"]) {
      let pids: number[] = [];
      await until("commits wait for the standby", async () => {
        pids = await cluster.waitingForStandby();
        return pids.length > 0;
      });
      for (const pid of pids) await pair.primary.query(`SELECT ${end}(${pid})`);
      await sleep(200);
    }
    expect(load.accepted.length).to.equal(count);
    pair.standby.goOnReceiving();
    await load.more(50);
    expect(await cluster.movedSince(before)).to.deep.equal([]);
    await audit();
  });

  it("lose nothing when the primary is killed and its standby promoted", async () => {
    const { pair, service } = cluster;
    const load = startLoad();
    await load.more(100);
    await pair.failOver();
    await load.more(100);
    await pair.renew();
    await load.more(100);
    await service.untilShared([1, 2, 3]);
    await audit();
  });
});
