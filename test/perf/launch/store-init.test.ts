import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { startText } from "../../../perf/launch/start-text.ts";
import { initStore } from "../../../perf/launch/store-init.ts";
import { startTopology } from "../../../perf/launch/topology.ts";
import { failure, isAlive } from "../../support/processes.ts";

const STORE_URL = "postgres://rinha:hunter2@db-1,db-2/rinha?password=hunter3";

const node = (program: string): string[] => [process.execPath, "-e", program, "--"];

describe("the store of a topology", () => {
  function init(program: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}) {
    const lines: string[] = [];
    const pids: number[] = [];
    const hooks = {
      onSpawn: (_name: string, pid: number): void => void pids.push(pid),
      onLine: (name: string, _stream: string, line: string): void => void lines.push(`${name}: ${line}`),
    };
    const { signal, ...rest } = options;
    return { lines, pids, done: initStore({ storeUrl: STORE_URL, command: node(program), hooks, ...rest }, signal) };
  }

  it("is made ready by a command that has the URL in its environment, and says what it did", async () => {
    const { lines, done } = init("console.log(process.argv.slice(1).join(), process.env.STORE_URL)");
    await done;
    expect(lines).to.deep.equal([`store-init: init ${STORE_URL}`]);
  });

  it("is not there where that fails, with what it says", async () => {
    const { done } = init("console.error('the database must answer: host=db-1'); process.exit(3)");
    const { message } = await failure(done);
    expect(message).to.equal("the store must be there: code=3 signal=null\nthe database must answer: host=db-1");
  });

  it("is not waited for for ever, nor once the start is given up, and leaves no process", async () => {
    const forever = "setInterval(() => {}, 1000)";
    const slow = init(forever, { timeoutMs: 300 });
    expect((await failure(slow.done)).message).to.equal("the store must be there: code=null signal=SIGTERM");
    const calledOff = new AbortController();
    const given = init(forever, { signal: calledOff.signal });
    setTimeout(() => calledOff.abort(), 100);
    expect((await failure(given.done)).name).to.equal("AbortError");
    expect([...slow.pids, ...given.pids].filter(isAlive)).to.deep.equal([]);
  });

  it("gives each instance its number, its own link and the URL, once it is ready, and nothing of a disk", async () => {
    const program = `
      const { createServer } = require("node:http");
      const { writeFileSync } = require("node:fs");
      const { LISTEN, INSTANCE, LINK, LINKS, STORE_URL, DATA_DIR } = process.env;
      const socket = LISTEN.slice("unix:".length);
      writeFileSync(socket + ".json", JSON.stringify({ INSTANCE, LINK, LINKS, STORE_URL, DATA_DIR }));
      createServer((_, response) => response.end("{}")).listen(socket);
      process.on("SIGTERM", () => process.exit(0));`;
    const order: string[] = [];
    const topology = await startTopology({
      port: 0,
      processorPorts: { default: 0, fallback: 0 },
      instanceCount: 3,
      storeUrl: STORE_URL,
      commands: { store: node(""), instance: node(program) },
      hooks: { onSpawn: (name) => void order.push(name) },
    });
    try {
      expect(order[0]).to.equal("store-init");
      for (const number of [1, 2, 3])
        expect(JSON.parse(readFileSync(`${topology.instanceSocket(number)}.json`, "utf8"))).to.deep.equal({
          INSTANCE: `${number}`,
          LINK: `unix:${join(topology.runDir, `link-${number}.sock`)}`,
          LINKS: "",
          STORE_URL,
          DATA_DIR: "",
        });
      const text = startText(topology, []);
      expect(text).to.contain("\nstore     postgres://***@db-1,db-2/rinha\n");
      expect(text).not.to.contain("hunter");
    } finally {
      await topology.stop();
    }
  });

  it("keeps everything from starting where it cannot be had", async () => {
    const spawned: string[] = [];
    const start = startTopology({
      port: 0,
      processorPorts: { default: 0, fallback: 0 },
      storeUrl: STORE_URL,
      commands: { store: node("process.exit(1)") },
      hooks: { onSpawn: (name) => void spawned.push(name) },
    });
    expect((await failure(start)).message).to.equal("the store must be there: code=1 signal=null");
    expect(spawned).to.deep.equal(["store-init"]);
  });
});
