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
const TESTS = ["core", ...SERVER_ROOMS.map((room) => `server/${room}`)];

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
      const image = await testImage(version);
      const mounts = ["--mount", `type=bind,source=${PROJECT},target=/app`, "--tmpfs", "/tmp:exec"];
      const globs = TESTS.map((name) => `build/test/${name}/**/*.test.js`);
      const mocha = ["node", "node_modules/mocha/bin/mocha.js", "--reporter", "dot", ...NOT_HERE, ...globs];
      const said = await engine.docker(["run", "--rm", "--init", ...mounts, "--workdir", "/app", image, ...mocha], {
        timeoutMs: RUN_MS_MAX,
      });
      const passed = /(\d+) passing \((.*)\)/.exec(said);
      say(`Node.js ${version}: ${passed?.[0]}`);
      expect(Number(passed?.[1])).to.be.above(1000);
    });
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
