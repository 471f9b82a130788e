import type { Context } from "mocha";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../perf/launch/plans.ts";
import { PostgresPair } from "../../perf/postgres/postgres-pair.ts";
import { findPostgres } from "../../perf/postgres/postgres-server.ts";
import { partitionsByLastByte } from "../../server/partition/partition-map.ts";
import type { Hosts } from "./hosts.ts";
import { LastingService } from "./lasting-service.ts";
import { newPayment, type Payment } from "./payments.ts";
import { ROLES } from "./service.ts";
import { until } from "./until.ts";
import { Wire } from "./wire.ts";

/** As `npm run store -- init` makes them. */
const PARTITIONS = 12;
const LINK_PORT = 7000;

export type TenureRow = { since: number; owner: number | null };

/** Skips what needs a PostgreSQL where there is none, and says why. */
export function needsPostgres(context: Context): void {
  const found = findPostgres();
  if (!("missing" in found)) return;
  context.test!.title = `is skipped: ${found.missing}`;
  context.skip();
}

/**
 * Instances over a PostgreSQL with a synchronous standby. Whatever instance and database say to each other goes through
 * `wires`, one for each of the two servers, which the tests can break; or each of them has a host of its own.
 */
export class Cluster {
  /** The instances by their numbers, then the store's servers. */
  static readonly HOSTS = ["1", "2", "3", "primary", "standby"];

  readonly pair: PostgresPair;
  readonly wires: readonly Wire[];
  readonly service: LastingService;

  private constructor(pair: PostgresPair, wires: readonly Wire[], service: LastingService) {
    this.pair = pair;
    this.wires = wires;
    this.service = service;
  }

  /** `hosts`: with those of Cluster.HOSTS, where each server and each instance is to have one; then without wires. */
  static async start(hosts?: Hosts): Promise<Cluster> {
    const pair = await PostgresPair.start(hosts && [hosts.of("primary"), hosts.of("standby")]);
    const wires: Wire[] = [];
    try {
      if (hosts !== undefined) {
        const own = { storeUrl: pair.url, processorHost: hosts.address, instanceCommand: commandAt(hosts) };
        return new Cluster(pair, wires, await LastingService.start(own));
      }
      for (const { port } of [pair.primary, pair.standby]) wires.push(await Wire.to(port));
      const ports = wires.map(({ port }) => `127.0.0.1:${port}`).join(",");
      const service = await LastingService.start({ storeUrl: `postgres://rinha@${ports}/rinha?sslmode=disable` });
      return new Cluster(pair, wires, service);
    } catch (error) {
      for (const wire of wires) await wire.close();
      await pair.remove();
      throw error;
    }
  }

  /** Starts so many instances and nginx. */
  begin(instanceCount: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
    return this.service.begin(instanceCount, env);
  }

  /** Whatever was hurt is well again, and every instance has its share. */
  async heal(): Promise<void> {
    const { topology, instances, processors } = this.service;
    for (const role of ROLES) Object.assign(processors[role].settings, { delayMs: 0, failing: false });
    for (const wire of this.wires) await wire.set("open");
    if (!this.pair.primary.isRunning) await this.pair.primary.start();
    for (const { name, pid } of topology.processes) {
      if (!name.startsWith("instance-")) continue;
      if (pid === undefined) await topology.restart(name);
      else topology.signal(name, "SIGCONT");
    }
    await this.service.untilShared(instances);
  }

  async stop(): Promise<void> {
    await this.service.stop();
    for (const wire of this.wires) await wire.close();
    await this.pair.remove();
  }

  /** By partition: who has it, from 1, by the database, and since which epoch. */
  async tenures(): Promise<TenureRow[]> {
    const rows = await this.pair.primary.query(
      "SELECT p.since, m.number FROM rinha.partition p LEFT JOIN rinha.member m USING (life) ORDER BY p.number",
    );
    return rows.map(({ since, number }) => ({
      since: since as number,
      owner: number === null ? null : (number as number) + 1,
    }));
  }

  /** Those that have been claimed since. */
  async movedSince(before: readonly TenureRow[]): Promise<number[]> {
    const now = await this.tenures();
    return now.flatMap(({ since }, partition) => (since === before[partition]!.since ? [] : [partition]));
  }

  /** Which partitions the instance has by the database. */
  async ownedBy(instance: number): Promise<number[]> {
    return (await this.tenures()).flatMap(({ owner }, partition) => (owner === instance ? [partition] : []));
  }

  /** New payments of partitions that the instance has by the database. */
  async paymentsOf(instance: number, count: number): Promise<Payment[]> {
    const owned = await this.ownedBy(instance);
    const payments: Payment[] = [];
    while (payments.length < count) {
      const payment = newPayment(100 + payments.length);
      const lastByte = Number.parseInt(payment.correlationId.slice(-2), 16);
      if (owned.includes(partitionsByLastByte(PARTITIONS)[lastByte]!)) payments.push(payment);
    }
    return payments;
  }

  /** By how much epochs have risen since their claims: carriers had to find out what became of a commit. */
  async raisedCount(): Promise<number> {
    const [row] = await this.pair.primary.query(
      "SELECT coalesce(sum(epoch - since), 0)::int AS count FROM rinha.partition WHERE life IS NOT NULL",
    );
    return row!["count"] as number;
  }

  /** Commits of the instances that wait for the standby, by their server process. */
  async waitingForStandby(): Promise<number[]> {
    const rows = await this.pair.primary.query(
      "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'rinha'",
    );
    return rows.map(({ pid }) => pid as number);
  }

  /** How long it takes until the others carry everything, as they know it. */
  async msUntilCarriedWithout(instance: number): Promise<number> {
    const beganAtMs = performance.now();
    const others = this.service.instances.filter((other) => other !== instance);
    await until(`the partitions of instance ${instance} are carried by others`, async () => {
      const known = await Promise.all(others.map((other) => this.service.carriersAt(other)));
      return known.every((carriers) => carriers.every((carrier) => carrier !== null && carrier !== instance));
    });
    return performance.now() - beganAtMs;
  }

  /** Chunks that were written by an earlier epoch than one before them in the same log. */
  async chunksOutOfOrder(): Promise<number> {
    const [row] = await this.pair.primary.query(`
      SELECT count(*)::int AS count FROM (
        SELECT epoch, max(epoch) OVER (PARTITION BY partition ORDER BY first_lsn) AS latest FROM rinha.chunk
      ) AS chunk WHERE epoch < latest`);
    return row!["count"] as number;
  }
}

/** Each instance on the host that has its number, and its link there. */
function commandAt(hosts: Hosts): string[] {
  const { namespace, address } = hosts.of("1");
  const [prefix, link] = [namespace.slice(0, -1), address.replace(/\.1\.2$/, ".$INSTANCE.2")];
  const script = `LINK=tcp:${link}:${LINK_PORT} exec ip netns exec ${prefix}$INSTANCE "$@"`;
  return ["sh", "-c", script, "sh", process.execPath, ...INSTANCE_NODE_FLAGS, INSTANCE_MAIN];
}
