import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Engine } from "../../perf/containers/engine.ts";
import { until } from "../e2e/until.ts";
import { needsEngine, provideImages, say } from "./engine-room.ts";
import { ContainedService } from "./service.ts";

const INSTANCES = ["instance-1", "instance-2", "instance-3"];
const POSTGRES = ["postgres-1", "postgres-2", "postgres-3"];
/** As somebody might choose them. */
const PASSWORDS = { STORE_PASSWORD: "store", REPLICATION_PASSWORD: 'it\'s a "pass word"' };
/** Renewals of leases stop, others claim, replay; on a machine that has other things to do. */
const GONE_ON_MS_MAX = 60_000;

describe("docker/compose.cluster.yml, as it is", function () {
  this.timeout(180_000);
  let whole: ContainedService | undefined;
  const the = (): ContainedService => whole!;

  before(async function () {
    const engine: Engine = await needsEngine(this);
    await provideImages(this, engine, "compose.cluster.yml");
    whole = new ContainedService(engine, { files: ["compose.cluster.yml"], env: PASSWORDS });
    say("building and starting the processors, PostgreSQL three times, and three instances");
    await whole.processors.up();
    // Not waited for as a whole: what makes the schema ends, which Compose would take for a failure.
    await whole.service.up(...POSTGRES, ...INSTANCES, "nginx");
  });
  after(async function () {
    this.timeout(120_000);
    await whole?.remove();
  });

  it("comes up, its schema made, with two standbys that follow", async () => {
    const made = await the().service.facts("store-init");
    expect([made.State.Status, made.State.ExitCode]).to.deep.equal(["exited", 0]);
    for (const name of [...POSTGRES, ...INSTANCES])
      expect((await the().service.facts(name)).State.Health?.Status, name).to.equal("healthy");
    const following = await sql("postgres-1", "SELECT application_name, state FROM pg_stat_replication ORDER BY 1");
    expect(following.split("\n")).to.deep.equal(["postgres_2|streaming", "postgres_3|streaming"]);
  });

  it("publishes port 9999 and nothing else", async () => {
    for (const name of [...POSTGRES, ...INSTANCES, "nginx"]) {
      const { Ports } = (await the().service.facts(name)).NetworkSettings;
      const published = Object.values(Ports).flatMap((all) => (all ?? []).map(({ HostPort }) => HostPort));
      expect([...new Set(published)], name).to.deep.equal(name === "nginx" ? ["9999"] : []);
    }
  });

  it("charges each payment once, and its books are those of the processors", async () => {
    const load = the().startLoad();
    await load.more(600);
    await the().audit();
    expect(load.failures).to.deep.equal([]);
  });

  it("loses nothing when an instance is killed and others carry its partitions", async () => {
    const load = the().startLoad();
    await load.more(200);
    await the().service.exec("instance-2", "sh", "-c", "kill -KILL $(cat /proc/1/task/1/children)");
    await load.more(400);
    await the().audit();
    await until(
      "the killed instance is there again",
      async () => {
        await sleep(500);
        return (await the().service.facts("instance-2")).State.Health?.Status === "healthy";
      },
      GONE_ON_MS_MAX,
    );
  });

  it("loses nothing when the primary dies and a standby is promoted by hand, as the file says", async () => {
    const load = the().startLoad();
    await load.more(200);
    await the().service.run(["kill", "postgres-1"]);
    const [promoted, other] = await furthestFirst();
    await the().service.exec(promoted, "pg_ctl", "promote");
    await the().service.exec(other, "sh", "/docker/follow.sh", promoted);
    const promotedAtMs = performance.now();
    await load.more(400);
    say(`400 more payments ${((performance.now() - promotedAtMs) / 1000).toFixed(1)} s after the promotion`);
    await the().audit();
    const following = await sql(promoted, "SELECT application_name FROM pg_stat_replication");
    expect(following).to.equal(other.replace("-", "_"));
  });

  /** The standby that has received more: every commit that was acknowledged is in one of them, and so in this one. */
  async function furthestFirst(): Promise<[string, string]> {
    const [second, third] = await Promise.all(
      ["postgres-2", "postgres-3"].map((name) => sql(name, "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn")),
    );
    return Number(second) >= Number(third) ? ["postgres-2", "postgres-3"] : ["postgres-3", "postgres-2"];
  }

  async function sql(service: string, text: string): Promise<string> {
    const psql = ["psql", "--username", "rinha", "--no-align", "--tuples-only", "--command", text];
    return (await the().service.exec(service, ...psql)).trim();
  }
});
