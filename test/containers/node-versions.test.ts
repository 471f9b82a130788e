import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { provideImage } from "../../perf/containers/base-images.ts";
import type { Engine } from "../../perf/containers/engine.ts";
import { PROJECT } from "../../perf/containers/project.ts";
import { needsEngine, say } from "./engine-room.ts";

/** Those of package.json's engines. The images are what docker/Dockerfile would build on. */
const VERSIONS = ["20", "22", "24"];
const RUN_MS_MAX = 540_000;

/** Rules, texts, disks, sockets: what another Node.js may do otherwise. The rest is left to `npm test`. */
const SERVER_ROOMS = ["settings", "text", "system", "http", "sending", "payments", "journal", "turn", "log"];
const ROOMS = ["core", ...SERVER_ROOMS.map((room) => `server/${room}`)];
/** Likewise with real processes: start, threads, bundles, timers, TLS, HTTP of both sides. */
const END_TO_END = [
  "configured",
  "ipv6",
  "loaded-modules",
  "logs",
  "misbehaving-processor",
  "nginx",
  "processor-credentials",
  "processors",
  "raw-requests",
  "shutdown",
  "tls-processor",
  "traces",
  "worker-threads",
];

/** It wants a file system that has no sockets and can be written: a container's /sys is read-only. */
const NOT_HERE = ["--invert", "--grep", "says so where the file system has no unix sockets"];

const TEST_IMAGE = "rinha-test-node";

describe("Node.js 20, 22 and 24 on Debian 13", function () {
  this.timeout(RUN_MS_MAX);
  let engine: Engine;

  before(async function () {
    engine = await needsEngine(this);
  });

  for (const version of VERSIONS) {
    it(`Node.js ${version} passes the tests of core and of ${SERVER_ROOMS.length} rooms of server`, async () => {
      const files = ROOMS.map((name) => `build/test/${name}/**/*.test.js`);
      expect(await passedOf(version, files)).to.be.above(1000);
    });

    it(`Node.js ${version} passes end-to-end tests`, async () => {
      const files = END_TO_END.map((name) => `build/test/e2e/${name}.test.js`);
      expect(await passedOf(version, files)).to.be.above(100);
    });
  }

  /** How many tests have passed, if none has failed and Node.js has warned of nothing. */
  async function passedOf(version: string, files: readonly string[]): Promise<number> {
    const image = await testImage(version);
    // Under its own path, which V8's kept code of the bundles names.
    const mounts = ["--mount", `type=bind,source=${PROJECT},target=${PROJECT}`, "--tmpfs", "/tmp:exec"];
    const mocha = ["node", "node_modules/mocha/bin/mocha.js", "--reporter", "dot", ...NOT_HERE, ...files];
    const said = await engine.docker(["run", "--rm", "--init", ...mounts, "--workdir", PROJECT, image, ...mocha], {
      timeoutMs: RUN_MS_MAX,
      withErrors: true,
    });
    const passed = /(\d+) passing \((.*)\)/.exec(said);
    say(`Node.js ${version}: ${passed?.[0]}`);
    expect(said).to.not.match(/\w*Warning: /);
    return Number(passed?.[1]);
  }

  /** With the balancer beside it, which the tests of the whole service start. */
  async function testImage(version: string): Promise<string> {
    const base = `node:${version}-trixie-slim`;
    say(`${base}: ${await provideImage(engine, base, say)}`);
    const context = join(engine.facts.folder, `context-tests-${version}`);
    mkdirSync(context, { recursive: true });
    try {
      const install = "apt-get install -yqq --no-install-recommends nginx openssl procps";
      writeFileSync(join(context, "Dockerfile"), `FROM ${base}\nRUN apt-get update -qq && ${install}\n`);
      const image = `${TEST_IMAGE}:${version}`;
      await engine.build(image, context);
      return image;
    } finally {
      rmSync(context, { recursive: true, force: true });
    }
  }
});
