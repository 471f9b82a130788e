import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import type { Engine } from "../../perf/containers/engine.ts";
import { PROJECT } from "../../perf/containers/project.ts";
import { needsEngine, provideImages, say } from "./engine-room.ts";
import { ContainedService } from "./service.ts";

/** No registry has it: it must be taken from the engine, where the test has made it. */
const IMAGE = "rinha-test/submitted:1";

describe("the folder of npm run contest:submission, by itself", function () {
  this.timeout(120_000);
  let engine: Engine;
  let folder: string;
  let whole: ContainedService | undefined;
  const the = (): ContainedService => whole!;

  before(async function () {
    engine = await needsEngine(this);
    await provideImages(this, engine, "compose.yml");
    // Nothing of the repository is beside it.
    folder = join(engine.facts.folder, "submitted");
    rmSync(folder, { recursive: true, force: true });
    const main = join(PROJECT, "build/perf/submission/main.js");
    const source = "https://example.com/somebody/rinha-backend";
    await promisify(execFile)(process.execPath, [main, "--image", IMAGE, "--out", folder, "--source", source]);
    say("building the image, and starting the processors and the service");
    await engine.build(IMAGE, PROJECT, ["--file", join(PROJECT, "docker/Dockerfile"), "--target", "instance"]);
    whole = new ContainedService(engine, { files: [join(folder, "docker-compose.yml")] });
    await whole.processors.up();
    await whole.service.up();
  });
  after(async function () {
    this.timeout(120_000);
    await whole?.remove();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  it("runs the image that it names, behind nginx on port 9999", async () => {
    const { services } = JSON.parse(await the().service.run(["config", "--format", "json"])) as {
      services: Record<string, { image: string }>;
    };
    expect([services["instance-1"]?.image, services["instance-2"]?.image]).to.deep.equal([IMAGE, IMAGE]);
    expect((await the().caller.get("/ready")).status).to.equal(200);
  });

  it("charges each payment once, and its books are those of the processors", async () => {
    const load = the().startLoad();
    await load.more(500);
    await the().audit();
    expect(load.failures).to.deep.equal([]);
  });
});
