import { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { Client, types } from "pg";
import { NotDoneError } from "../lease/database.ts";
import { reasonOf, Session } from "./session.ts";
import { formatStoreHost, type StoreHost, type StoreTarget } from "./store-url.ts";

const KEEP_ALIVE_AFTER_MS = 5000;
const NO_TLS_HERE = /does not support SSL/;
const INT8 = 20;

/**
 * Settings of every session, above those of role and database:
 *
 *   client_min_messages   warnings have to arrive, see session.ts; notices need not
 *   default_transaction_… the statements count on what read committed does after a wait for a row
 *   lock_timeout          a wait for a lock ends, with NotDoneError, before the caller loses patience. It does not end
 *                         a wait for the standby, which would leave a commit that is seen and may be lost
 *   jit, plan_cache_mode  small statements, always the same: nothing is gained by planning them again
 *   enable_…              a log is read along its index. A plan that knows little of the log might fetch and sort all
 *                         the rest of it for the next piece
 */
const SETTINGS = [
  "client_min_messages=warning",
  "default_transaction_isolation=read\\ committed",
  "jit=off",
  "plan_cache_mode=force_generic_plan",
  "enable_sort=off",
  "enable_bitmapscan=off",
];
const LOCK_TIMEOUT_SHARE = 0.8;

/** A promotion begins a new timeline, whose number is the first part of the names of its log's files. */
const PRIMARY = {
  text: `
SELECT pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only') = 'on' AS is_read_only,
  CASE WHEN NOT pg_is_in_recovery() THEN left(pg_walfile_name(pg_current_wal_lsn()), 8) END AS timeline`,
};

/** Whole numbers here stay within what a double holds exactly. */
const parserOf: typeof types.getTypeParser = (type, format) =>
  Number(type) === INT8 ? Number : types.getTypeParser(type, format);

/**
 * Connects to whichever of the hosts is a primary that takes writes. One that another was promoted over is none any
 * more, whether it knows that or not: once a later timeline was seen, nothing is asked or believed of earlier ones.
 */
export class Connector {
  readonly #target: StoreTarget;
  readonly #closing = new AbortController();
  /** Where the last one was found. The others are tried after it. */
  #first = 0;
  /** The latest that was seen. */
  #timeline = 0;
  /** Raised with every loss: what was connected before that is not used again, it would be silent too. */
  #era = 0;

  constructor(target: StoreTarget) {
    this.#target = target;
  }

  /**
   * Rejects with NotDoneError, and what is the matter with each host, if none will do. `patienceMs`: of the statements
   * that the session is for.
   */
  async connect(patienceMs: number): Promise<Session> {
    const { hosts } = this.#target;
    const first = this.#first;
    const problems: string[] = [];
    for (let i = 0; i < hosts.length; i++) {
      const number = (first + i) % hosts.length;
      try {
        const session = await this.#tryHost(number, patienceMs);
        this.#first = number;
        return session;
      } catch (error) {
        problems.push(`${formatStoreHost(hosts[number]!)}=${(error as Error).message}`);
      }
      if (this.#closing.signal.aborted) break;
    }
    throw new NotDoneError(`a primary that takes writes must be there: ${problems.join(" ")}`);
  }

  /** Whether nothing was lost since it was made. */
  isTrusted({ origin, isLost }: Session): boolean {
    return !isLost && origin.era === this.#era;
  }

  /**
   * A session is lost. One that was silent may have led to a primary that another has replaced without its knowledge:
   * the next host is asked first.
   */
  distrust({ origin, wasSilent }: Session): void {
    if (origin.era !== this.#era) return;
    this.#era++;
    if (wasSilent && this.#first === origin.host) this.#first = (origin.host + 1) % this.#target.hosts.length;
  }

  /** Ends the attempts that are under way. No session is made any more. */
  close(): void {
    this.#closing.abort();
  }

  async #tryHost(number: number, patienceMs: number): Promise<Session> {
    const { first, second } = this.#target.tls;
    if (this.#target.hosts[number]!.host.startsWith("/")) return await this.#open(number, patienceMs, undefined);
    try {
      return await this.#open(number, patienceMs, first);
    } catch (error) {
      if (second === undefined || !NO_TLS_HERE.test((error as Error).message)) throw error;
      return await this.#open(number, patienceMs, undefined);
    }
  }

  async #open(number: number, patienceMs: number, tls: ConnectionOptions | undefined): Promise<Session> {
    const origin = { host: number, era: this.#era };
    const socket = new Socket();
    const destroy = (): unknown => socket.destroy(new Error("the store is being closed"));
    this.#closing.signal.throwIfAborted();
    this.#closing.signal.addEventListener("abort", destroy);
    try {
      const client = this.#client(this.#target.hosts[number]!, socket, patienceMs, tls);
      // An error that comes after the first one has nobody else to hear it.
      client.on("error", () => undefined);
      await client.connect();
      const session = new Session(client, socket, origin, () => this.#timeline);
      session.timeline = await this.#timelineOf(session);
      this.#timeline = Math.max(this.#timeline, session.timeline);
      return session;
    } catch (error) {
      socket.destroy();
      throw new Error(reasonOf(error as Error), { cause: error });
    } finally {
      this.#closing.signal.removeEventListener("abort", destroy);
    }
  }

  #client(host: StoreHost, socket: Socket, patienceMs: number, tls: ConnectionOptions | undefined): Client {
    const { user, database, connectTimeoutMs, applicationName } = this.#target;
    const lockTimeoutMs = Math.floor(patienceMs * LOCK_TIMEOUT_SHARE);
    const password = this.#target.password ?? process.env["PGPASSWORD"] ?? "";
    return new Client({
      ...host,
      user,
      database,
      // A function, so that no object that could be shown has it, and no file is asked for it.
      password: () => password,
      ssl: tls ?? false,
      stream: () => socket,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
      connectionTimeoutMillis: connectTimeoutMs,
      application_name: applicationName,
      client_encoding: "UTF8",
      options: [...SETTINGS, `lock_timeout=${lockTimeoutMs}`].map((setting) => `-c ${setting}`).join(" "),
      types: { getTypeParser: parserOf },
    });
  }

  async #timelineOf(session: Session): Promise<number> {
    const [row] = await session.run(PRIMARY, [], this.#target.connectTimeoutMs);
    if (row?.["is_standby"] === true) throw new Error("is a standby");
    if (row?.["is_read_only"] === true) throw new Error("takes no writes: default_transaction_read_only=on");
    const timeline = Number.parseInt(row!["timeline"] as string, 16);
    if (timeline < this.#timeline)
      throw new Error(`another was promoted over it: timeline=${timeline} latest=${this.#timeline}`);
    return timeline;
  }
}
