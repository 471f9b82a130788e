import { expect } from "chai";
import { imagesOfComposeFile, provideImage } from "../../perf/containers/base-images.ts";
import { Composition } from "../../perf/containers/composition.ts";
import type { Engine } from "../../perf/containers/engine.ts";
import { needsEngine, provideImages, say } from "./engine-room.ts";
import { ContainedService } from "./service.ts";

const FILES = ["compose.yml", "compose.observability.yml"];
const INSTANCES = ["instance-1", "instance-2"];

describe("docker/compose.observability.yml, on top of docker/compose.yml", function () {
  this.timeout(300_000);
  let engine: Engine;
  let whole: ContainedService | undefined;
  const the = (): ContainedService => whole!;

  before(async function () {
    engine = await needsEngine(this);
    await provideImages(this, engine, "compose.yml");
    whole = new ContainedService(engine, { files: FILES });
  });
  after(async function () {
    this.timeout(120_000);
    await whole?.remove();
  });

  it("is valid to Compose", async () => {
    const { services } = JSON.parse(await the().service.run(["config", "--format", "json"])) as {
      services: Record<string, object>;
    };
    const besides = ["prometheus", "grafana", "jaeger"];
    expect(Object.keys(services)).to.have.members([...INSTANCES, "nginx", ...besides]);
  });

  it("shows the instances' metrics on the backend network, and to nobody outside", async () => {
    await the().processors.up();
    await the().service.up(...INSTANCES, "nginx");
    for (const name of INSTANCES) {
      const program = `fetch("http://${name}:9464/metrics").then((r) => r.text()).then(console.log)`;
      expect(await the().service.exec("instance-1", "node", "-e", program)).to.include("rinha_");
      const { Ports } = (await the().service.facts(name)).NetworkSettings;
      expect(Object.values(Ports).flatMap((all) => all ?? [])).to.deep.equal([]);
    }
  });

  it("charges payments while nobody takes its spans", async () => {
    const load = the().startLoad();
    await load.more(200);
    await the().audit();
    expect(load.failures).to.deep.equal([]);
  });

  it("runs Prometheus, Grafana and Jaeger where their images can be pulled", async function () {
    const images = imagesOfComposeFile("compose.observability.yml");
    for (const image of images) {
      const origin = await provideImage(engine, image, say).catch((error: Error) => error);
      if (!(origin instanceof Error)) continue;
      this.test!.title = `is skipped: ${origin.message}`;
      this.skip();
    }
    const all = new Composition(engine, { project: the().service.project, files: FILES });
    await all.run(["up", "--detach", "prometheus", "grafana", "jaeger"]);
    const program = `fetch("http://prometheus:9090/-/ready").then((r) => console.log(r.status))`;
    expect((await all.exec("instance-1", "node", "-e", program)).trim()).to.equal("200");
  });
});
