import { type Host, PostgresServer } from "./postgres-server.ts";

const STANDBY = "standby";
const IS_WAITED_FOR = `SELECT count(*)::int AS count FROM pg_stat_replication
  WHERE application_name = '${STANDBY}' AND sync_state IN ('sync', 'quorum')`;
const WAIT_MS_MAX = 20_000;

/** A primary and a standby that every commit waits for, at two ports that stay the same whoever is which. */
export class PostgresPair {
  readonly #all: PostgresServer[] = [];
  #primary: PostgresServer;
  #standby: PostgresServer | undefined;

  private constructor(primary: PostgresServer) {
    this.#primary = primary;
    this.#all.push(primary);
  }

  /** `hosts`: of the first primary and the first standby, where they are to have some. */
  static async start(hosts: readonly Host[] = []): Promise<PostgresPair> {
    const pair = new PostgresPair(await PostgresServer.start({}, hosts[0]));
    try {
      await pair.#addStandby({ host: hosts[1] });
    } catch (error) {
      await pair.remove();
      throw error;
    }
    return pair;
  }

  get primary(): PostgresServer {
    return this.#primary;
  }

  get standby(): PostgresServer {
    if (this.#standby === undefined) throw new Error("there must be a standby: call renew");
    return this.#standby;
  }

  /** STORE_URL, with the ports of both in an order that stays the same. */
  get url(): string {
    return PostgresServer.urlOf([...this.#all].sort((one, other) => one.port - other.port));
  }

  /** `kill -9` of the primary; then the standby takes its place, and has none itself. */
  async failOver(): Promise<void> {
    await this.#primary.kill();
    await this.promoteStandby();
  }

  /** Whatever has become of the primary, which is not told. */
  async promoteStandby(): Promise<void> {
    const { standby } = this;
    await standby.promote();
    this.#primary = standby;
    this.#standby = undefined;
  }

  /** What is left of the former primary makes room for a standby of the present one. */
  async renew(): Promise<void> {
    const dead = this.#all.find((server) => server !== this.#primary)!;
    await dead.remove();
    this.#all.splice(this.#all.indexOf(dead), 1);
    await this.#addStandby({ port: dead.port });
  }

  async remove(): Promise<void> {
    // A primary that ends in order would wait for its standby.
    await Promise.all(this.#all.map((server) => server.remove()));
  }

  async #addStandby(place: { port?: number; host?: Host | undefined }): Promise<void> {
    const standby = await this.#primary.addStandby(STANDBY, place);
    this.#standby = standby;
    this.#all.push(standby);
    // From here on everything that is acknowledged is there as well.
    await this.#primary.set("synchronous_standby_names", `ANY 1 (${STANDBY})`);
    const untilMs = performance.now() + WAIT_MS_MAX;
    while ((await this.#primary.query(IS_WAITED_FOR))[0]?.["count"] !== 1)
      if (performance.now() > untilMs) throw new Error(`commits must wait for the standby: waitMsMax=${WAIT_MS_MAX}`);
  }
}
