import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { settlePorts } from "../../../perf/launch/ports.ts";
import { createRunDirectory } from "../../../perf/launch/run-directory.ts";
import { startTopology, type Topology } from "../../../perf/launch/topology.ts";
import type { TopologyOptions } from "../../../perf/launch/topology-options.ts";
import { failure, isAlive, until } from "../../support/processes.ts";

const FREE_PORTS: TopologyOptions = {
  port: 0,
  processorPorts: { default: 0, fallback: 0 },
  env: { LOG_LEVEL: "warn" },
};

async function pay(url: string): Promise<number> {
  const response = await fetch(`${url}/payments`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ correlationId: randomUUID(), amount: 19.9 }),
  });
  await response.arrayBuffer();
  return response.status;
}

async function payMany(url: string, count: number): Promise<Set<number>> {
  return new Set(await Promise.all(Array.from({ length: count }, () => pay(url))));
}

async function processedCount(url: string): Promise<number> {
  const response = await fetch(`${url}/payments-summary`);
  if (response.status !== 200) throw new Error(`summary must be answered: status=${response.status}`);
  const summary = (await response.json()) as Record<"default" | "fallback", { totalRequests: number }>;
  return summary.default.totalRequests + summary.fallback.totalRequests;
}

describe("topology", () => {
  let topology: Topology | null = null;

  async function start(options: TopologyOptions = {}): Promise<Topology> {
    topology = await startTopology({ ...FREE_PORTS, ...options });
    return topology;
  }

  afterEach(async () => {
    await topology?.stop();
    topology = null;
  });

  it("takes payments through nginx and settles them at the processors", async () => {
    const { url, processes } = await start();
    const names = processes.map(({ name }) => name);
    expect(names).to.deep.equal(["processor-default", "processor-fallback", "instance-1", "instance-2", "nginx"]);
    expect(await payMany(url, 20)).to.deep.equal(new Set([202]));
    await until(async () => (await processedCount(url)) === 20);
  });

  it("leaves no process, no port and no file behind", async () => {
    const running = await start();
    const { runDir, port, processes } = running;
    await running.stop();
    expect(processes.filter(({ pid }) => isAlive(pid))).to.deep.equal([]);
    expect(existsSync(runDir)).to.equal(false);
    expect(await settlePorts([{ name: "test", host: "127.0.0.1", port }])).to.deep.equal([port]);
  });

  it("starts whatever is killed again", async () => {
    const restarts: string[] = [];
    const onRestart = ({ name }: { name: string }, delayMs: number): void => void restarts.push(`${name} ${delayMs}`);
    const running = await start({ hooks: { onRestart } });
    const before = running.processes;
    for (const { name, pid } of before) {
      await running.kill(name, "SIGKILL");
      await running.running(name);
      expect(running.processes.find((process) => process.name === name)?.pid).to.not.equal(pid);
    }
    expect(restarts).to.deep.equal(before.map(({ name }) => `${name} 0`));
    expect(await pay(running.url)).to.equal(202);
  });

  it("keeps what is killed down when told to, until it is restarted by hand", async () => {
    const running = await start({ autoRestart: false, instanceCount: 1 });
    await running.kill("instance-1");
    expect(await pay(running.url)).to.equal(503);
    expect(running.processes.find(({ name }) => name === "instance-1")?.state).to.equal("stopped");
    await running.restart("instance-1");
    expect(await pay(running.url)).to.equal(202);
  });

  for (const instanceCount of [1, 3]) {
    it(`runs with instances=${instanceCount}`, async () => {
      const { url } = await start({ instanceCount });
      expect(await payMany(url, 30)).to.deep.equal(new Set([202]));
      await until(async () => (await processedCount(url)) === 30);
    });
  }

  it("starts no processor where it is given a URL", async () => {
    const { processorUrls } = await start();
    const second = await startTopology({ ...FREE_PORTS, processorUrls });
    try {
      expect(second.processes.map(({ name }) => name)).to.deep.equal(["instance-1", "instance-2", "nginx"]);
      expect(await pay(second.url)).to.equal(202);
      await until(async () => (await processedCount(second.url)) === 1);
    } finally {
      await second.stop();
    }
  });

  it("reports a taken port before it starts anything", async () => {
    const [port] = await settlePorts([{ name: "test", host: "127.0.0.1", port: 0 }]);
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    const spawned: string[] = [];
    const onSpawn = (name: string): void => void spawned.push(name);
    const error = await failure(start({ port: port!, hooks: { onSpawn } }));
    server.close();
    expect(error.message).to.equal(`port already in use: port=${port} host=127.0.0.1 wantedBy=nginx`);
    expect(spawned).to.deep.equal([]);
  });

  it("passes on what an instance says about its settings, and ends everything", async () => {
    const pids: number[] = [];
    const onSpawn = (_name: string, pid: number): void => void pids.push(pid);
    const error = await failure(start({ env: { LOG_LEVEL: "loud" }, hooks: { onSpawn } }));
    expect(error.message).to.match(/child must stay up while starting: name=instance-\d code=[1-9]/);
    expect(error.message).to.contain("LOG_LEVEL");
    expect(pids.filter(isAlive)).to.deep.equal([]);
  });

  it("can be called off while it starts", async () => {
    const pids: number[] = [];
    const calledOff = new AbortController();
    const onSpawn = (_name: string, pid: number): void => {
      pids.push(pid);
      calledOff.abort();
    };
    const error = await failure(start({ hooks: { onSpawn }, signal: calledOff.signal }));
    expect(error.name).to.equal("AbortError");
    expect(pids).to.have.length.at.least(1);
    expect(pids.filter(isAlive)).to.deep.equal([]);
  });

  it("says when the temporary folder's path is too long for unix sockets, and leaves nothing in it", () => {
    const parent = mkdtempSync(join(tmpdir(), `rinha-${"x".repeat(90)}-`));
    expect(() => createRunDirectory(["instance-1.sock"], parent)).to.throw(
      /unix socket path must fit 107 bytes: bytes=\d+/,
    );
    expect(readdirSync(parent)).to.deep.equal([]);
    rmSync(parent, { recursive: true });
  });
});
