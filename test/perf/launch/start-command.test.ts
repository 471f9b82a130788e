import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { topologyOptionsFromEnv } from "../../../perf/launch/environment.ts";
import { settlePorts } from "../../../perf/launch/ports.ts";
import { isAlive, until } from "../../support/processes.ts";

const MAIN = fileURLToPath(new URL("../../../bundle/perf/launch/main.js", import.meta.url));
const FREE_PORTS = { PORT: "0", DEFAULT_PROCESSOR_PORT: "0", FALLBACK_PROCESSOR_PORT: "0" };

describe("topology command", () => {
  let command: ChildProcess | null = null;
  let output = "";

  function run(env: Record<string, string>, args: readonly string[] = []): ChildProcess {
    output = "";
    command = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...FREE_PORTS, ...env } });
    command.stdout?.on("data", (chunk: Buffer) => (output += chunk));
    command.stderr?.on("data", (chunk: Buffer) => (output += chunk));
    return command;
  }

  /** What it says about where things run, once all is up. */
  async function started(env: Record<string, string> = {}): Promise<{ url: string; runDir: string; pids: number[] }> {
    const child = run(env);
    await until(() => output.includes("Ctrl-C ends all of it.") || child.exitCode !== null);
    const pids = [...output.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    const url = /service +(\S+)/.exec(output)?.[1];
    const socket = /instance +(\S+)/.exec(output)?.[1];
    if (url === undefined || socket === undefined) throw new Error(`topology must start: output=${output}`);
    return { url, runDir: dirname(socket), pids };
  }

  afterEach(async () => {
    if (command !== null && command.exitCode === null && command.signalCode === null) {
      command.kill("SIGTERM");
      await once(command, "exit");
    }
    command = null;
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`says what runs where, and leaves nothing behind on ${signal}`, async () => {
      const { url, runDir, pids } = await started();
      expect(pids).to.have.length(5);
      expect(pids.filter(isAlive)).to.have.length(5);
      expect(output).to.contain(`curl ${url}/payments-summary`);
      command?.kill(signal);
      expect(await once(command!, "close")).to.deep.equal([0, null]);
      expect(pids.filter(isAlive)).to.deep.equal([]);
      expect(existsSync(runDir)).to.equal(false);
    });
  }

  it("leaves nothing behind even if it is killed itself", async () => {
    const { runDir, pids } = await started();
    command?.kill("SIGKILL");
    await until(() => pids.filter(isAlive).length === 0 && !existsSync(runDir));
  });

  it("says in one line when it starts a dead instance again", async () => {
    const { url, pids } = await started();
    process.kill(pids[1]!, "SIGKILL");
    await until(() =>
      output.includes(`instance-1 died: pid=${pids[1]} code=null signal=SIGKILL; starting it again at once\n`),
    );
    await until(async () => (await fetch(`${url}/payments-summary`)).status === 200);
  });

  it("says in one line when it ends an instance that has been silent for too long, and starts it again", async () => {
    const { url, pids } = await started({ SILENCE_MS: "1500" });
    process.kill(pids[1]!, "SIGSTOP");
    await until(() => output.includes(`instance-1 is silent: pid=${pids[1]} silentMs=`));
    await until(() => output.includes(`instance-1 died: pid=${pids[1]} code=null signal=SIGKILL; starting it again`));
    await until(async () => (await fetch(`${url}/payments-summary`)).status === 200);
  });

  it("runs with the contest profile", async () => {
    const { url } = await started({ PROFILE: "contest" });
    expect((await fetch(`${url}/purge-payments`, { method: "POST" })).ok).to.equal(true);
  });

  it("ends with the error alone when a port is taken", async () => {
    const [port] = await settlePorts([{ name: "test", host: "127.0.0.1", port: 0 }]);
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    expect(await once(run({ PORT: `${port}` }), "close")).to.deep.equal([1, null]);
    server.close();
    expect(output).to.equal(`port already in use: port=${port} host=127.0.0.1 wantedBy=nginx\n`);
  });

  it("explains itself", async () => {
    expect(await once(run({}, ["--help"]), "close")).to.deep.equal([0, null]);
    for (const name of ["PORT", "INSTANCES", "DEFAULT_PROCESSOR_URL", "PROFILE=contest"])
      expect(output).to.contain(name);
    expect(await once(run({}, ["--hepl"]), "close")).to.deep.equal([1, null]);
    expect(output).to.equal("arguments must be none or --help: arguments=--hepl\n");
  });

  it("tells all mistakes in its environment at once", () => {
    expect(() => topologyOptionsFromEnv({ PORT: "http", HOST: "::1", INSTANCES: "0", LOG_PRETTY: "yes" })).to.throw(
      [
        "INSTANCES must be a whole number from 1 to 256: INSTANCES=0",
        "PORT must be a whole number from 0 to 65535: PORT=http",
        "HOST must be an IPv4 address or a name: HOST=::1",
        "LOG_PRETTY must be true or false: LOG_PRETTY=yes",
      ].join("\n"),
    );
  });

  it("takes a store instead of journals, whose URL no mistake shows", () => {
    const STORE_URL = "postgres://u:hunter2@db/rinha";
    expect(topologyOptionsFromEnv({}).storeUrl).to.equal("");
    expect(topologyOptionsFromEnv({ STORE_URL, INSTANCES: "16" })).to.include({
      storeUrl: STORE_URL,
      instanceCount: 16,
    });
    expect(() => topologyOptionsFromEnv({ STORE_URL, INSTANCES: "17", DATA_DIR: "data", PARTITIONS: "4" })).to.throw(
      [
        "DATA_DIR must not be set with STORE_URL: nothing is kept on a disk here: DATA_DIR=data",
        "PARTITIONS must not be set with STORE_URL: their number was fixed by npm run store -- init: PARTITIONS=4",
        "INSTANCES must be a whole number from 1 to 16: INSTANCES=17",
      ].join("\n"),
    );
    expect(() => topologyOptionsFromEnv({ STORE_URL: "mysql://u:hunter2@db" })).to.throw(
      /^STORE_URL must be postgres:.*not shown\)$/,
    );
  });

  it("shows the instances' log lines to people, or as they are", async () => {
    const stopped = async (): Promise<string> => {
      command?.kill("SIGTERM");
      await once(command!, "close");
      return output;
    };
    await started({ LOG_LEVEL: "info" });
    const pretty = await stopped();
    expect(pretty).to.match(/^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: \[instance 1\] listening \{"listen":"unix:/m);
    expect(pretty).to.not.contain('"level":30');
    await started({ LOG_LEVEL: "info", LOG_PRETTY: "false" });
    const raw = (await stopped()).split("\n").filter((line) => line.includes('"msg":"listening"'));
    expect(raw.map((line) => (JSON.parse(line) as { level: number }).level)).to.deep.equal([30, 30]);
  });

  it("leaves the number of partitions to the instances unless told otherwise", () => {
    expect(topologyOptionsFromEnv({}).env).to.not.have.property("PARTITIONS");
    expect(topologyOptionsFromEnv({ PARTITIONS: "4" }).env).to.include({ PARTITIONS: "4" });
    expect(() => topologyOptionsFromEnv({ PARTITIONS: "0" })).to.throw("PARTITIONS must be a whole number from 1 to");
  });

  it("ends silent instances after half a minute unless told otherwise", () => {
    expect(topologyOptionsFromEnv({}).silenceMs).to.equal(30_000);
    expect(topologyOptionsFromEnv({ SILENCE_MS: "0" }).silenceMs).to.equal(0);
  });

  it("keeps the instances quiet unless told otherwise", () => {
    expect(topologyOptionsFromEnv({}).env).to.include({ LOG_LEVEL: "warn" });
    expect(topologyOptionsFromEnv({ LOG_LEVEL: "info" }).env).to.include({ LOG_LEVEL: "info" });
  });

  it("gives the live page its buttons only where both processors are simulated here", () => {
    const tokenWith = (env: Record<string, string>) => topologyOptionsFromEnv(env).env?.["PROCESSOR_ADMIN_TOKEN"];
    expect(tokenWith({})).to.equal("123");
    for (const role of ["DEFAULT", "FALLBACK"])
      expect(tokenWith({ [`${role}_PROCESSOR_URL`]: "http://elsewhere:8001" })).to.equal(undefined);
    // Whatever the environment says itself reaches the instances as it is.
    expect(tokenWith({ PROCESSOR_ADMIN_TOKEN: "" })).to.equal(undefined);
  });
});
