import { expect } from "chai";
import type { Client } from "pg";
import { waitFor } from "../../../perf/postgres/postgres-server.ts";
import { appendOf, claimantOf, claimed, joined } from "../../support/database-contract.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";

const LOCKED = `SELECT count(*)::int AS count FROM pg_stat_activity
  WHERE application_name = 'rinha' AND wait_event_type = 'Lock'`;

/** Each instance has connections of its own, as in production; what has to come at a moment is held back by a lock. */
describe("instances that meet in PostgreSQL", () => {
  const server = usePostgres();
  const open = useDatabases();
  let holder: Client;

  beforeEach(async () => {
    await makeStore(server());
    holder = await server().connect();
  });
  afterEach(() => holder?.end());

  async function waitForLocked(count: number): Promise<void> {
    await waitFor(async () => (await server().query(LOCKED))[0]?.["count"] === count);
  }

  it("let a claim wait for an append that is under way, and find it", async () => {
    const [zombie, heir] = [open(server().url), open(server().url)];
    const former = await joined(zombie, 0);
    const next = await joined(heir, 1);
    const { epoch } = await claimed(zombie, 0, former);
    // What an append does, and takes its time over.
    await holder.query("BEGIN; UPDATE rinha.partition SET head = 7 WHERE number = 0 AND epoch = 1");
    await heir.expel(former.life, former.renewal);
    const claim = claimed(heir, 0, next);
    await waitForLocked(1);
    await holder.query("COMMIT");
    expect(await claim).to.include({ epoch: epoch + 1, head: 7 });
  });

  it("let an append that was overtaken by a claim find another epoch, although it began before", async () => {
    const [zombie, heir] = [open(server().url), open(server().url)];
    const former = await joined(zombie, 0);
    const next = await joined(heir, 1);
    const { epoch } = await claimed(zombie, 0, former);
    await heir.expel(former.life, former.renewal);
    await holder.query("BEGIN");
    await holder.query("SELECT rinha.claim(0, $1, '{default,fallback}', 1)", [next.life]);
    const append = zombie.append([appendOf(0, epoch, 0)]);
    await waitForLocked(1);
    await holder.query("COMMIT");
    expect(await append).to.deep.equal([]);
    expect(await heir.chunks(0, 0, 1_000_000)).to.deep.equal([]);
    expect(await heir.append([appendOf(0, epoch + 1, 0)])).to.deep.equal([0]);
  });

  it("let a raise that waited for a claim raise nothing: another tenure has begun", async () => {
    const database = open(server().url);
    const member = await joined(database, 0);
    await claimed(database, 0, member);
    await holder.query("BEGIN");
    await holder.query("SELECT rinha.claim(0, $1, '{other,names}', 1)", [member.life]);
    const raise = database.raise([{ partition: 0, since: 1 }]);
    await waitForLocked(1);
    await holder.query("COMMIT");
    expect(await raise).to.deep.equal([]);
    expect(await database.raise([{ partition: 0, since: 2 }])).to.deep.equal([{ partition: 0, epoch: 3, head: 0 }]);
    expect((await database.names(0)).get(3)).to.deep.equal(["other", "names"]);
  });

  it("do not expel a life while its renewal is under way, and do not wait for it", async () => {
    const [one, other] = [open(server().url), open(server().url)];
    const member = await joined(one, 0);
    await holder.query("BEGIN");
    await holder.query("UPDATE rinha.member SET renewal = 'second' WHERE life = $1", [member.life]);
    expect(await other.expel(member.life, member.renewal)).to.equal(false);
    await holder.query("COMMIT");
    expect(await other.expel(member.life, member.renewal)).to.equal(false);
    expect(await other.expel(member.life, "second")).to.equal(true);
  });

  it("let a renewal wait for an expulsion that is under way, and be expelled", async () => {
    const database = open(server().url);
    const member = await joined(database, 0);
    await holder.query("BEGIN");
    await holder.query("DELETE FROM rinha.member WHERE life = $1", [member.life]);
    const renewal = database.renew(member.life, "second");
    await waitForLocked(1);
    await holder.query("COMMIT");
    expect(await renewal).to.equal("expelled");
  });

  it("do not expel a claimant while its claim is under way; then its renewals are not held up", async () => {
    const [one, other] = [open(server().url), open(server().url)];
    const member = await joined(one, 0);
    await holder.query("BEGIN");
    await holder.query("SELECT rinha.claim(0, $1, '{default,fallback}', 1)", [member.life]);
    expect(await other.expel(member.life, member.renewal)).to.equal(false);
    expect(await one.renew(member.life, "second")).to.have.property("members");
    await holder.query("COMMIT");
  });

  it("give a claimant nothing that is expelled while its claim waits", async () => {
    const [one, other] = [open(server().url), open(server().url)];
    const member = await joined(one, 0);
    await holder.query("BEGIN; SELECT FROM rinha.partition WHERE number = 0 FOR UPDATE");
    const claim = one.claim(0, claimantOf(member)).catch((error: Error) => error.message);
    await waitForLocked(1);
    expect(await other.expel(member.life, member.renewal)).to.equal(true);
    await holder.query("COMMIT");
    expect(await claim).to.include("a claimant must be a member");
    expect((await other.epochs())[0]).to.equal(0);
  });

  it("never write the same place twice, whoever appends, raises and claims", async () => {
    const instances = [0, 1, 2].map(() => open(server().url));
    const members = await Promise.all(instances.map((database, number) => joined(database, number)));
    const untilMs = performance.now() + 3000;
    let appendCount = 0;
    await Promise.all(
      instances.map(async (database, i) => {
        while (performance.now() < untilMs) {
          const claim = await database.claim(0, claimantOf(members[i]!));
          if (claim === "taken") continue;
          let { epoch, head } = claim;
          const tenure = { partition: 0, since: epoch };
          for (let k = 0; k < 5; k++) {
            const moved = database.append([appendOf(0, epoch, head)]);
            // From another connection, at the same moment: as after a connection that was lost.
            const [raised] = k % 2 === 0 ? [] : await instances[(i + 1) % 3]!.raise([tenure]);
            const count = (await moved).length;
            appendCount += count;
            head += count;
            if (raised !== undefined) {
              expect(raised.head).to.equal(head);
              epoch = raised.epoch;
            }
          }
          await database.release(tenure);
        }
      }),
    );
    const chunks = await instances[0]!.chunks(0, 0, 100_000_000);
    expect(appendCount).to.be.above(20);
    expect(chunks.map(({ lsn }) => lsn)).to.deep.equal(chunks.map((_, i) => i));
    const epochs = chunks.map(({ epoch }) => epoch);
    expect(epochs).to.deep.equal([...epochs].sort((a, b) => a - b));
    expect((await instances[0]!.outline(0)).head).to.equal(chunks.length);
  });
});
