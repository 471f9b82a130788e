import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  accessSync,
  appendFileSync,
  chownSync,
  constants,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Client } from "pg";
import { freePorts } from "../launch/ports.ts";

const DEBIAN_FOLDER = "/usr/lib/postgresql";
const VERSION_MIN = 14;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const USER = "rinha";
const DATABASE = "rinha";
const LOOPBACK = "127.0.0.1";

/** Small, and as safe as a real one: `fsync` stays on. */
const SETTINGS = {
  fsync: "on",
  shared_buffers: "16MB",
  max_connections: "60",
  wal_level: "replica",
  max_wal_senders: "4",
  wal_keep_size: "64MB",
  hot_standby: "on",
  // What was killed has to be found out soon.
  wal_sender_timeout: "5s",
  wal_receiver_status_interval: "1s",
  wal_retrieve_retry_interval: "100ms",
  max_worker_processes: "2",
  log_min_messages: "fatal",
};

const run = promisify(execFile);

/** Folder of the newest server's programs that is there, or why there is none: then tests skip. */
export function findPostgres(): { bin: string } | { missing: string } {
  let versions: number[] = [];
  try {
    versions = readdirSync(DEBIAN_FOLDER).map(Number).filter(Number.isInteger);
  } catch {
    return { missing: `no PostgreSQL is installed: folder=${DEBIAN_FOLDER}` };
  }
  const newest = Math.max(0, ...versions);
  if (newest < VERSION_MIN) return { missing: `PostgreSQL must be ${VERSION_MIN} or newer: found=${newest}` };
  const bin = join(DEBIAN_FOLDER, String(newest), "bin");
  try {
    accessSync(join(bin, "initdb"), constants.X_OK);
  } catch {
    return { missing: `PostgreSQL's programs must be executable: folder=${bin}` };
  }
  return { bin };
}

type Ids = { uid?: number; gid?: number };

/** The server refuses to be root; then it is the package's own user. */
async function idsOf(): Promise<Ids> {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = await Promise.all(["-u", "-g"].map(async (flag) => (await run("id", [flag, "postgres"])).stdout));
  return { uid: Number(uid), gid: Number(gid) };
}

/** Servers that run. None outlives this process. */
const running = new Set<ChildProcess>();
const folders = new Set<string>();
/** Data of a server that never ran. */
let original: Promise<string> | undefined;
process.on("exit", () => {
  for (const server of running) server.kill("SIGQUIT");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Gone at the latest when this process ends. */
function makeFolder(ids: Ids): string {
  const folder = mkdtempSync(join(tmpdir(), "rinha-pg-"));
  folders.add(folder);
  if (ids.uid !== undefined) chownSync(folder, ids.uid, ids.gid!);
  return folder;
}

/** A network namespace that a server is to run in, and how it is reached from others, in `network`. */
export type Host = { readonly namespace: string; readonly address: string; readonly network: string };

type Place = { readonly port?: number | undefined; readonly host?: Host | undefined };

/** A server with its data in a temporary folder, reached by a Unix socket in it and by a port of this machine. */
export class PostgresServer {
  readonly folder: string;
  readonly port: number;
  readonly #bin: string;
  readonly #ids: Ids;
  readonly #host: Host | undefined;
  #process: ChildProcess | undefined;
  #stoppedReceiver: number | undefined;

  private constructor(bin: string, ids: Ids, port: number, host: Host | undefined) {
    this.#bin = bin;
    this.#ids = ids;
    this.folder = makeFolder(ids);
    this.port = port;
    this.#host = host;
  }

  /** A new one, empty but for the database, and running. */
  static async start(settings: Readonly<Record<string, string>> = {}, host?: Host): Promise<PostgresServer> {
    const server = await PostgresServer.#prepare({ host });
    try {
      await server.#copyOriginal();
      server.#configure({ ...SETTINGS, ...settings });
      await server.start();
    } catch (error) {
      await server.remove();
      throw error;
    }
    return server;
  }

  /**
   * A standby of this one, by the name that synchronous_standby_names may have; streaming when it resolves. `place`:
   * the port of one that is gone, to take its place, and the host.
   */
  async addStandby(name: string, place: Place = {}): Promise<PostgresServer> {
    const standby = await PostgresServer.#prepare(place);
    try {
      const from = `host=${this.#host?.address ?? this.folder} port=${this.port} user=${USER} application_name=${name}`;
      await this.#program("pg_basebackup", ["-D", standby.data, "-d", from, "-c", "fast", "-X", "stream", "-R", "-N"]);
      standby.#configure({ synchronous_standby_names: "" });
      await standby.start();
      const isStreaming = `SELECT count(*)::int AS count FROM pg_stat_replication
        WHERE application_name = '${name}' AND state = 'streaming'`;
      await waitFor(async () => (await this.query(isStreaming))[0]?.["count"] === 1);
    } catch (error) {
      await standby.remove();
      throw error;
    }
    return standby;
  }

  get data(): string {
    return join(this.folder, "data");
  }

  /** Of its first process; undefined where it is not running. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** By its Unix socket. */
  get url(): string {
    return `postgres://${USER}@/${DATABASE}?host=${encodeURIComponent(this.folder)}&port=${this.port}`;
  }

  /** By its port, as it stands in the list of hosts. */
  get address(): string {
    return `${this.#host?.address ?? LOOPBACK}:${this.port}`;
  }

  /** By the ports of several, the way they are to be tried. */
  static urlOf(servers: readonly { address: string }[]): string {
    return `postgres://${USER}@${servers.map(({ address }) => address).join(",")}/${DATABASE}?sslmode=disable`;
  }

  async start(): Promise<void> {
    const untilMs = performance.now() + START_TIMEOUT_MS;
    // After a kill, the processes of the one before may be there for a moment, and it refuses.
    while (performance.now() < untilMs) if (await this.#startOnce(untilMs)) return;
    throw new Error(`PostgreSQL must start: timeoutMs=${START_TIMEOUT_MS} folder=${this.folder}`);
  }

  /** In order: connections are ended, everything is written. */
  stop(): Promise<void> {
    return this.#end("SIGINT");
  }

  /** As a crash of the machine's process would: nothing is written any more. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** A standby becomes a primary. */
  async promote(): Promise<void> {
    await this.query("SELECT pg_promote(true, 20)");
  }

  /** Of a standby: it receives nothing any more, and says nothing, until it goes on. Commits that wait for it wait. */
  async stopReceiving(): Promise<void> {
    const [row] = await this.query("SELECT pid FROM pg_stat_wal_receiver");
    if (row === undefined) throw new Error(`a standby must be receiving: folder=${this.folder}`);
    this.#stoppedReceiver = row["pid"] as number;
    process.kill(this.#stoppedReceiver, "SIGSTOP");
  }

  goOnReceiving(): void {
    if (this.#stoppedReceiver === undefined) return;
    process.kill(this.#stoppedReceiver, "SIGCONT");
    this.#stoppedReceiver = undefined;
  }

  /** Changes a setting of the running server that needs no restart; resolves when it has taken effect. */
  async set(name: string, value: string): Promise<void> {
    await this.query(`ALTER SYSTEM SET ${name} = '${value}'`);
    await this.query("SELECT pg_reload_conf()");
    await waitFor(async () => (await this.query(`SHOW ${name}`))[0]?.[name] === value);
  }

  /** A file beside its data, that only the server may read. */
  writeFile(name: string, text: string): void {
    const path = join(this.data, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (this.#ids.uid !== undefined) chownSync(path, this.#ids.uid, this.#ids.gid!);
  }

  /** A connection as superuser, to be ended by whoever asked for it. */
  async connect(database = DATABASE): Promise<Client> {
    const client = new Client({
      host: this.folder,
      port: this.port,
      user: USER,
      database,
      password: () => "",
    });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  /** In a connection of its own, as superuser. Several statements in one text have no rows. */
  async query(text: string, database = DATABASE): Promise<Record<string, unknown>[]> {
    const client = await this.connect(database);
    try {
      const { rows } = await client.query<Record<string, unknown>>(text);
      return rows ?? [];
    } finally {
      await client.end();
    }
  }

  /** Stops it and removes all that it had. */
  async remove(): Promise<void> {
    await this.#end("SIGQUIT");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    folders.delete(this.folder);
  }

  static async #prepare({ port, host }: Place = {}): Promise<PostgresServer> {
    const found = findPostgres();
    if ("missing" in found) throw new Error(found.missing);
    const ids = await idsOf();
    return new PostgresServer(found.bin, ids, port ?? (await freePorts(1))[0]!, host);
  }

  /** Making one takes a second of computing, so there is one of which the others are copies. */
  async #copyOriginal(): Promise<void> {
    original ??= this.#makeOriginal();
    await run("cp", ["-r", await original, this.data], this.#ids);
  }

  async #makeOriginal(): Promise<string> {
    const folder = makeFolder(this.#ids);
    const data = join(folder, "data");
    const options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"];
    await this.#program("initdb", [...options, "-D", data]);
    const single = run(join(this.#bin, "postgres"), ["--single", "-D", data, "postgres"], {
      ...this.#ids,
      cwd: folder,
    });
    single.child.stdin!.end(`CREATE DATABASE ${DATABASE}\n`);
    await single;
    return data;
  }

  async #program(name: string, args: readonly string[]): Promise<void> {
    await run(join(this.#bin, name), args, {
      ...this.#ids,
      cwd: this.folder,
      env: { ...process.env, HOME: this.folder },
    });
  }

  #configure(settings: Readonly<Record<string, string>>): void {
    const own = { ...settings, port: String(this.port), unix_socket_directories: this.folder };
    const address = this.#host?.address;
    const addresses = address === undefined ? LOOPBACK : `${LOOPBACK},${address}`;
    const lines = Object.entries({ ...own, listen_addresses: addresses }).map(
      ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
    );
    appendFileSync(join(this.data, "postgresql.conf"), lines.join(""));
    if (address === undefined) return;
    const others = ["all", "replication"].map((database) => `host ${database} all ${this.#host!.network} trust\n`);
    appendFileSync(join(this.data, "pg_hba.conf"), others.join(""));
  }

  /** Whether it is there. Ends with us, even if we are killed. */
  async #startOnce(untilMs: number): Promise<boolean> {
    const postgres = [join(this.#bin, "postgres"), "-D", this.data];
    const identity =
      this.#ids.uid === undefined ? [] : [`--reuid=${this.#ids.uid}`, `--regid=${this.#ids.gid}`, "--clear-groups"];
    const command = ["setpriv", "--pdeathsig=INT", ...identity, ...postgres];
    const there = this.#host === undefined ? command : ["ip", "netns", "exec", this.#host.namespace, ...command];
    const child = spawn(there[0]!, there.slice(1), {
      stdio: "ignore",
      cwd: this.folder,
    });
    running.add(child);
    this.#process = child;
    child.once("close", () => {
      running.delete(child);
      if (this.#process === child) this.#process = undefined;
    });
    await new Promise((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    while (this.#process === child && performance.now() < untilMs) {
      if (await this.#answers()) return true;
      await sleep(20);
    }
    if (this.#process === child) await this.#end("SIGKILL");
    await sleep(50);
    return false;
  }

  #answers(): Promise<boolean> {
    return this.query("SELECT 1").then(
      () => true,
      () => false,
    );
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.goOnReceiving();
    const isClosed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await isClosed;
    clearTimeout(timer);
  }
}

export async function waitFor(isTrue: () => Promise<boolean>): Promise<void> {
  const untilMs = performance.now() + START_TIMEOUT_MS;
  while (!(await isTrue())) {
    if (performance.now() > untilMs) throw new Error(`PostgreSQL must get there: ${isTrue}`);
    await sleep(20);
  }
}
