import { PostgresServer } from "./postgres-server.ts";

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

  /** `settings`: of the primary, above those that PostgresServer has. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresPair> {
    const pair = new PostgresPair(await PostgresServer.start(settings));
    try {
      await pair.#addStandby();
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
    const { standby } = this;
    await this.#primary.kill();
    await standby.promote();
    this.#primary = standby;
    this.#standby = undefined;
  }

  /** What is left of the former primary makes room for a standby of the present one. */
  async renew(): Promise<void> {
    const dead = this.#all.find((server) => server !== this.#primary)!;
    await dead.remove();
    this.#all.splice(this.#all.indexOf(dead), 1);
    await this.#addStandby(dead.port);
  }

  async remove(): Promise<void> {
    // A primary that ends in order would wait for its standby.
    await Promise.all(this.#all.map((server) => server.remove()));
  }

  async #addStandby(port?: number): Promise<void> {
    const standby = await this.#primary.addStandby(STANDBY, port);
    this.#standby = standby;
    this.#all.push(standby);
    // From here on everything that is acknowledged is there as well.
    await this.#primary.set("synchronous_standby_names", `ANY 1 (${STANDBY})`);
    const untilMs = performance.now() + WAIT_MS_MAX;
    while ((await this.#primary.query(IS_WAITED_FOR))[0]?.["count"] !== 1)
      if (performance.now() > untilMs) throw new Error(`commits must wait for the standby: waitMsMax=${WAIT_MS_MAX}`);
  }
}
