import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { renderNginxConf } from "../../perf/launch/nginx.ts";
import { settlePorts } from "../../perf/launch/ports.ts";
import { readConfig } from "../../server/settings/config.ts";
import { until } from "../support/processes.ts";

type Service = {
  readonly image?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly networks: readonly string[] | Readonly<Record<string, { aliases: readonly string[] } | null>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: object;
  readonly depends_on: readonly string[] | Readonly<Record<string, { condition: string }>>;
  readonly deploy: { readonly resources: { readonly limits: { readonly cpus: string; readonly memory: string } } };
};

type Compose = { readonly services: Readonly<Record<string, Service>>; readonly networks: object };

const INSTANCES = ["instance-1", "instance-2", "instance-3"];
const POSTGRES = ["postgres-1", "postgres-2", "postgres-3"];

/** Variables that have a default are given it, as Compose does. */
function read(): Compose {
  const text = readFileSync("docker/compose.cluster.yml", "utf8").replace(/\$\{\w+:-([^}]*)\}/g, "$1");
  return parse(text, { merge: true }) as Compose;
}

describe("docker/compose.cluster.yml", () => {
  const { services, networks } = read();
  const service = (name: string): Service => services[name]!;

  it("runs a primary and two standbys, three instances, nginx, and once what makes the schema", () => {
    expect(Object.keys(services)).to.have.members([...POSTGRES, "store-init", ...INSTANCES, "nginx"]);
    for (const name of Object.keys(services)) {
      const { cpus, memory } = service(name).deploy.resources.limits;
      expect(
        [Number(cpus), Number.parseInt(memory, 10)].every((limit) => limit > 0),
        name,
      ).to.equal(true);
    }
  });

  it("gives instances settings that they take, each with a number, a link and a socket of its own", () => {
    const configs = INSTANCES.map((name) => readConfig(service(name).environment!));
    for (const [index, config] of configs.entries()) {
      if (Array.isArray(config)) throw new Error(config.join("\n"));
      expect(config.instance).to.equal(index);
      expect(config.store?.url).to.equal("postgres://rinha:rinha@postgres-1,postgres-2,postgres-3/rinha");
      expect(config.store?.link).to.deep.equal({ kind: "tcp", host: `link-${index + 1}`, port: 9000 });
      expect(config.listen).to.deep.equal({ kind: "unix", path: `/run/rinha/instance-${index + 1}.sock` });
    }
  });

  it("has each link's name on the links' network alone, where it listens", () => {
    for (const [index, name] of INSTANCES.entries()) {
      const { links, ...others } = service(name).networks as Record<string, { aliases: readonly string[] } | null>;
      expect(links?.aliases).to.deep.equal([`link-${index + 1}`]);
      expect(others).to.deep.equal({ database: null, "payment-processor": null });
    }
  });

  it("shows nginx alone, and keeps the database and the links to themselves", () => {
    for (const [name, { ports }] of Object.entries(services))
      expect(ports, name).to.deep.equal(name === "nginx" ? ["9999:9999"] : undefined);
    expect(networks).to.deep.include({
      links: { driver: "bridge", internal: true },
      database: { driver: "bridge", internal: true },
    });
    for (const name of POSTGRES) expect(service(name).networks).to.deep.equal(["database"]);
  });

  it("makes the schema once all databases are well, and starts the instances after that", () => {
    const well = { condition: "service_healthy" };
    expect(service("store-init").depends_on).to.deep.equal(Object.fromEntries(POSTGRES.map((name) => [name, well])));
    for (const name of POSTGRES) expect(service(name).healthcheck, name).to.have.property("test");
    for (const name of INSTANCES)
      expect(service(name).depends_on).to.deep.equal({ "store-init": { condition: "service_completed_successfully" } });
  });

  it("balances over all three instances with the configuration that there is", () => {
    const [script] = service("nginx").command!;
    const sed = script!.replaceAll("$$", "$").split(" > ")[0]!.replace("/etc/nginx/nginx.conf", "nginx.conf");
    const rendered = execFileSync("sh", ["-c", sed], { encoding: "utf8" });
    const expected = renderNginxConf(readFileSync("nginx.conf", "utf8"), { host: "", port: 0, instanceCount: 3 });
    expect(rendered).to.equal(expected.replace(/^( *listen +):0\b/gm, "$19999"));
  });

  it("lets each standby follow under the name that commits wait for", () => {
    const names = ["postgres_1", "postgres_2", "postgres_3"];
    expect(readFileSync("docker/postgres/primary.sh", "utf8")).to.contain(`'ANY 1 (${names.join(", ")})'`);
    for (const index of [1, 2])
      expect(service(POSTGRES[index]!).command?.slice(0, 2)).to.deep.equal([names[index], "postgres-1"]);
  });
});

/** Where Debian has the programs of its newest PostgreSQL; undefined: there is none. */
function postgresPrograms(): string | undefined {
  const root = "/usr/lib/postgresql";
  const versions = existsSync(root) ? readdirSync(root).map(Number) : [];
  const folder = join(root, String(Math.max(0, ...versions)), "bin");
  return existsSync(join(folder, "initdb")) ? folder : undefined;
}

/** The two scripts, over databases of this machine in the places of the containers'. */
describe("docker/postgres/", function () {
  this.timeout(120_000);
  const programs = postgresPrograms();
  const isRoot = process.getuid?.() === 0;
  let folder: string;
  const children: ChildProcess[] = [];

  before(function () {
    if (programs === undefined) this.skip();
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-standby-"));
    cpSync("docker/postgres", join(folder, "scripts"), { recursive: true });
    for (const name of ["primary", "standby", "socket"]) mkdirSync(join(folder, name));
    // PostgreSQL does not run as root.
    if (isRoot) execFileSync("chown", ["-R", "postgres", folder]);
    chmodSync(folder, 0o755);
  });

  afterEach(async () => {
    for (const child of children.splice(0).reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGINT");
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  function environment(data: string, port: number): NodeJS.ProcessEnv {
    return {
      PATH: `${programs}:${process.env["PATH"]}`,
      HOME: folder,
      LC_ALL: "C",
      PGDATA: join(folder, data),
      PGPORT: String(port),
      POSTGRES_USER: "rinha",
      POSTGRES_DB: "rinha",
      REPLICATION_PASSWORD: 'it\'s a "pass word"',
    };
  }

  /** As the database's user. */
  function commandOf(command: string, args: readonly string[]): [string, string[]] {
    const asUser = ["--reuid=postgres", "--regid=postgres", "--clear-groups", command, ...args];
    return isRoot ? ["setpriv", asUser] : [command, [...args]];
  }

  function run(env: NodeJS.ProcessEnv, command: string, ...args: string[]): string {
    const [file, all] = commandOf(command, args);
    return execFileSync(file, all, { env, cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  }

  function start(env: NodeJS.ProcessEnv, command: string, ...args: string[]): ChildProcess {
    const [file, all] = commandOf(command, args);
    const child = spawn(file, all, { env, cwd: folder, stdio: "ignore" });
    children.push(child);
    return child;
  }

  async function stop(child: ChildProcess): Promise<void> {
    const gone = once(child, "exit");
    child.kill("SIGINT");
    await gone;
  }

  function ask(env: NodeJS.ProcessEnv, port: number, sql: string): string {
    const place = ["-h", join(folder, "socket"), "-p", String(port)];
    return run({ ...env, PGPORT: undefined }, "psql", ...place, "-U", "rinha", "-d", "rinha", "-Atc", sql);
  }

  function isTrue(ask_: () => string, wanted: string): boolean {
    try {
      return ask_() === wanted;
    } catch {
      return false;
    }
  }

  it("make a primary whose commits wait for a standby, and a standby that follows, over restarts", async () => {
    const [port, standbyPort] = (await settlePorts([
      { name: "primary", host: "127.0.0.1", port: 0 },
      { name: "standby", host: "127.0.0.1", port: 0 },
    ])) as [number, number];
    const socket = join(folder, "socket");
    const primary = environment("primary", port);
    run(primary, "initdb", "--no-sync", "-U", "rinha", "--auth-local=trust", "--auth-host=scram-sha-256");
    // What the image adds by itself.
    run(primary, "sh", "-c", 'echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"');
    const places = ["-c", "fsync=off", "-c", `unix_socket_directories=${socket}`, "-c"];
    const making = start(primary, "postgres", ...places, "listen_addresses=");
    await until(() => isTrue(() => run({ ...primary, PGHOST: socket }, "pg_isready", "-q"), ""));
    run({ ...primary, PGHOST: socket }, "createdb", "-U", "rinha", "rinha");
    run({ ...primary, PGHOST: socket }, "sh", join(folder, "scripts/primary.sh"));
    await stop(making);
    start(primary, "postgres", ...places, "listen_addresses=127.0.0.1");
    await until(() => isTrue(() => run({ ...primary, PGHOST: socket }, "pg_isready", "-q"), ""));

    const standby = environment("standby", port);
    const script = [join(folder, "scripts/standby.sh"), "postgres_2", "127.0.0.1"];
    const follow = () => start(standby, "sh", ...script, "-c", `port=${standbyPort}`, ...places, "listen_addresses=");
    const states = () => ask(primary, port, "SELECT application_name || ' ' || sync_state FROM pg_stat_replication");
    // What an earlier try may have left.
    mkdirSync(join(folder, "standby/copy/junk"), { recursive: true });
    if (isRoot) execFileSync("chown", ["-R", "postgres", join(folder, "standby")]);
    const first = follow();
    await until(() => isTrue(states, "postgres_2 quorum"));
    ask(primary, port, "CREATE TABLE kept AS SELECT 1 AS one");
    await until(() => isTrue(() => ask(standby, standbyPort, "SELECT one FROM kept"), "1"));
    expect(existsSync(join(folder, "standby/copy"))).to.equal(false);
    // The settings came with the copy: it may be the primary one day.
    for (const [name, value] of [
      ["wal_keep_size", "64MB"],
      ["max_slot_wal_keep_size", "4GB"],
    ])
      expect(ask(standby, standbyPort, `SHOW ${name}`)).to.equal(value);

    await stop(first);
    const waiting = start(primary, "psql", "-h", socket, "-U", "rinha", "-d", "rinha", "-c", "UPDATE kept SET one = 2");
    await until(() =>
      isTrue(
        () => ask(primary, port, "SELECT wait_event FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
        "SyncRep",
      ),
    );
    const second = follow();
    await until(() => isTrue(() => ask(standby, standbyPort, "SELECT one FROM kept"), "2"));
    if (waiting.exitCode === null) await once(waiting, "exit");
    expect(waiting.exitCode).to.equal(0);

    // The copy is gone, and its slot is not.
    await stop(second);
    rmSync(join(folder, "standby"), { recursive: true });
    mkdirSync(join(folder, "standby"));
    if (isRoot) execFileSync("chown", ["postgres", join(folder, "standby")]);
    follow();
    await until(() => isTrue(() => ask(standby, standbyPort, "SELECT one FROM kept"), "2"));
  });
});
