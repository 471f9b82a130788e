import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { imagesOfDockerfile } from "../../perf/containers/base-images.ts";
import type { Engine } from "../../perf/containers/engine.ts";
import { newPayment, payMany, untilState } from "../e2e/payments.ts";
import { until } from "../e2e/until.ts";
import { needsEngine, provideImages, say } from "./engine-room.ts";
import { limitsInForce, shareOfCpu } from "./limits.ts";
import { ContainedService } from "./service.ts";

const SERVICES = ["nginx", "instance-1", "instance-2"] as const;
const INSTANCES = ["instance-1", "instance-2"] as const;
/** Over its base; see docs/containers.md. */
const IMAGE_MB_MAX = 70;
const MIB = 1024 * 1024;
/** The user of the image, and of the sockets. */
const USER_ID = "1000";
/** Of docker/compose.yml. */
const STOP_GRACE_MS = 15_000;
/** On a machine that has other things to do; the limits leave an instance 0.6 CPU. */
const BACK_MS_MAX = 20_000;
const LOGGED_MS_MAX = 5000;
const WATCHER_START_MS = 2000;

/** Runs in another instance's container, where the socket is seen: how long instance 1 does not answer. */
const AWAY_MS = `const { request } = require("node:http");
let goneAtMs;
const ask = () => {
  const asked = request({ socketPath: "/run/rinha/instance-1.sock", path: "/health" }, (response) => {
    response.resume();
    if (goneAtMs === undefined || response.statusCode !== 200) return setTimeout(ask, 20);
    console.log(performance.now() - goneAtMs);
  });
  asked.once("error", () => {
    goneAtMs ??= performance.now();
    setTimeout(ask, 20);
  });
  asked.end();
};
setTimeout(() => process.exit(), 60_000).unref();
ask();`;

describe("docker/compose.yml and docker/compose.processors.yml, as they are", function () {
  this.timeout(120_000);
  let engine: Engine;
  let whole: ContainedService | undefined;
  const the = (): ContainedService => whole!;

  before(async function () {
    engine = await needsEngine(this);
    await provideImages(this, engine, "compose.yml");
    whole = new ContainedService(engine, { files: ["compose.yml"] });
    say("building and starting the processors and the service");
    await whole.processors.up();
    await whole.service.up();
  });
  after(async function () {
    this.timeout(120_000);
    await whole?.remove();
  });

  it("come up, healthy", async () => {
    for (const name of INSTANCES) {
      const { State } = await the().service.facts(name);
      expect([State.Status, State.Health?.Status]).to.deep.equal(["running", "healthy"]);
    }
    expect((await the().caller.get("/health")).status).to.equal(200);
    expect((await the().caller.get("/ready")).status).to.equal(200);
  });

  it("publish port 9999 and nothing else", async () => {
    const published: Record<string, string[]> = {};
    for (const name of SERVICES) {
      const { Ports } = (await the().service.facts(name)).NetworkSettings;
      published[name] = Object.values(Ports).flatMap((all) => (all ?? []).map(({ HostPort }) => HostPort));
    }
    expect([...new Set(published["nginx"])]).to.deep.equal(["9999"]);
    for (const name of INSTANCES) expect(published[name]).to.deep.equal([]);
  });

  it("have nginx on the backend's network alone, and the processors on one that the service does not own", async () => {
    const { project } = the().service;
    const networksOf = async (name: string): Promise<string[]> =>
      Object.keys((await the().service.facts(name)).NetworkSettings.Networks);
    expect(await networksOf("nginx")).to.deep.equal([`${project}_backend`]);
    for (const name of INSTANCES)
      expect(await networksOf(name)).to.have.members([`${project}_backend`, "payment-processor"]);
    const label = '{{index .Labels "com.docker.compose.project"}}';
    const owner = await engine.docker(["network", "inspect", "--format", label, "payment-processor"]);
    expect(owner.trim()).to.equal(the().processors.project);
  });

  it("have images that add little to their base", async () => {
    const [base] = imagesOfDockerfile();
    const baseBytes = await engine.imageBytes(base!);
    for (const name of [
      `${the().service.project}-instance-1`,
      `${the().processors.project}-payment-processor-default`,
    ]) {
      const megabytes = ((await engine.imageBytes(name)) - baseBytes) / 1e6;
      say(`${name}: ${megabytes.toFixed(0)} MB over ${base}`);
      expect(megabytes).to.be.within(1, IMAGE_MB_MAX);
    }
  });

  it("are held to their limits by the kernel", async () => {
    const expected = { nginx: [0.3, 50], "instance-1": [0.6, 150], "instance-2": [0.6, 150] };
    for (const name of SERVICES) {
      const { cpus, memoryBytes } = await limitsInForce(the().service, name);
      expect([cpus, memoryBytes / MIB], name).to.deep.equal(expected[name]);
    }
    // A second program in the container wants a whole CPU.
    expect(await shareOfCpu(the().service, "instance-1")).to.be.within(0.05, 0.66);
  });

  it("run as nobody who may do anything: not root, and no capability", async () => {
    for (const name of SERVICES) {
      const ids = await the().service.exec(name, "sh", "-c", "cat /proc/1/status");
      expect(/^Uid:\s+(\d+)/m.exec(ids)?.[1], name).to.equal(USER_ID);
      expect(/^CapEff:\s+(\S+)/m.exec(ids)?.[1], name).to.match(/^0+$/);
    }
  });

  it("find the sources of what stacks name", async () => {
    const program = `const { load, loadedParts } = require("/app/build/server/loader.js");
      process.argv.push("--help");
      load("/app/build/server/server-main.part.js");
      process.on("exit", () => {
        const rejected = [...loadedParts()].filter(({ script }) => script.cachedDataRejected !== false);
        console.log("rejected", rejected.length);
      });`;
    expect(await the().service.exec("instance-1", "node", "-e", program)).to.include("rejected 0");
    await the().service.exec("instance-1", "test", "-e", "/app/build/bundle/server/server-main-run.part.js.map");
  });

  it("write to their volumes only", async () => {
    const folders = ["/run/rinha", "/data", "/app", "/tmp", "/etc", "/var", "/run"];
    const script = folders.map(
      (folder) => `(echo > ${folder}/probe) 2> /dev/null && rm ${folder}/probe && echo ${folder}`,
    );
    for (const name of SERVICES) {
      expect((await the().service.facts(name)).HostConfig.ReadonlyRootfs, name).to.equal(true);
      const writable = (await the().service.exec(name, "sh", "-c", `${script.join("\n")}\ntrue`)).trim().split("\n");
      expect(writable, name).to.deep.equal(name === "nginx" ? ["/run/rinha"] : ["/run/rinha", "/data"]);
    }
  });

  it("say what they do in lines of JSON, which Docker keeps within bounds", async () => {
    const format = "{{.HostConfig.LogConfig.Type}} {{json .HostConfig.LogConfig.Config}}";
    for (const name of INSTANCES) {
      // An undisturbed instance has nothing to say. This makes it log debug lines, and stops it again.
      for (let times = 0; times < 2; times++)
        await the().service.exec(name, "sh", "-c", "kill -USR2 $(cat /proc/1/task/1/children)");
      const logged = async (): Promise<string[]> => (await the().service.logs(name)).trim().split("\n");
      await until(`${name} logs`, async () => (await logged()).length > 1, LOGGED_MS_MAX);
      const lines = await logged();
      expect(lines.length).to.be.within(2, 200);
      for (const line of lines) expect(JSON.parse(line), line).to.include.keys("level", "time", "msg");
      const { Id } = await the().service.facts(name);
      const kept = await engine.docker(["inspect", "--format", format, Id]);
      expect(kept.trim()).to.equal('json-file {"max-file":"2","max-size":"10m"}');
    }
  });

  it("charge each payment once, and their books are those of the processors", async () => {
    const load = the().startLoad();
    await load.more(1500);
    await the().audit();
    expect(load.failures).to.deep.equal([]);
  });

  it("lose nothing when an instance is killed, and it is there again by itself", async () => {
    const load = the().startLoad();
    await load.more(300);
    const before = await the().service.facts("instance-1");
    const away = the().service.exec("instance-2", "node", "-e", AWAY_MS);
    // Node.js starts slowly within these limits; the first answer must come from the one that is killed.
    await sleep(WATCHER_START_MS);
    // Compose's own `kill` counts as an operator's stop, after which Docker restarts nothing.
    await the().service.exec("instance-1", "sh", "-c", "kill -KILL $(cat /proc/1/task/1/children)");
    await until(
      "the killed instance runs again",
      async () => {
        await sleep(100);
        return (await the().service.facts("instance-1")).RestartCount > before.RestartCount;
      },
      BACK_MS_MAX,
    );
    await untilServing("instance-1");
    say(`it did not answer for ${(Number(await away) / 1000).toFixed(2)} s`);
    await load.more(300);
    await the().audit();
    expect((await the().service.facts("instance-1")).State.OOMKilled).to.equal(false);
  });

  it("lose nothing when both instances and nginx's worker are killed at once", async () => {
    const load = the().startLoad();
    await load.more(300);
    for (const name of SERVICES) {
      await the()
        .service.exec(name, "sh", "-c", "kill -KILL $(cat /proc/1/task/1/children)")
        .catch(() => undefined);
    }
    for (const name of INSTANCES) await untilServing(name);
    await load.more(300);
    await the().audit();
  });

  it("stop in time and in order while they are paid, and lose nothing", async () => {
    const load = the().startLoad();
    await load.more(300);
    for (const name of INSTANCES) {
      const beganAtMs = performance.now();
      await the().service.run(["stop", name]);
      const tookMs = performance.now() - beganAtMs;
      say(`docker stop of ${name}: ${(tookMs / 1000).toFixed(1)} s`);
      expect(tookMs).to.be.below(STOP_GRACE_MS);
      expect((await the().service.facts(name)).State.ExitCode).to.equal(0);
      await load.more(name === "instance-1" ? 100 : 0);
      await the().service.run(["start", name]);
      await untilServing(name);
    }
    await load.more(100);
    await the().audit();
  });

  it("keep payments in the volume when the containers are removed", async () => {
    const payments = Array.from({ length: 20 }, () => newPayment());
    await payMany(the().caller, payments);
    await untilState(the().caller, payments, "processed");
    await the().service.down("containers");
    const networks = await engine.docker(["network", "ls", "--format", "{{.Name}}"]);
    expect(networks.split("\n")).to.include("payment-processor");
    await the().service.up();
    await untilState(the().caller, payments, "processed");
    await the().audit();
  });

  it("have memory to spare after all this", async () => {
    for (const name of INSTANCES) {
      const { usedBytes } = await limitsInForce(the().service, name);
      say(`${name}: ${Math.round(usedBytes / MIB)} MB of 150`);
      expect(usedBytes).to.be.below(120 * MIB);
    }
  });

  async function untilServing(name: string): Promise<void> {
    await until(
      `${name} serves`,
      async () => {
        await sleep(100);
        return the()
          .service.exec(name, "node", "docker/healthcheck.mjs")
          .then(
            () => true,
            () => false,
          );
      },
      BACK_MS_MAX,
    );
  }
});
