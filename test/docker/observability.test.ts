import { readFileSync } from "node:fs";
import { expect } from "chai";
import { parse } from "yaml";
import { readConfig } from "../../server/config.ts";

type Service = {
  image?: string;
  environment?: Record<string, string>;
  networks?: string[];
  ports?: string[];
};
type Compose = { services: Record<string, Service>; networks?: object };

function read(file: string): Compose {
  return parse(readFileSync(file, "utf8"), { merge: true }) as Compose;
}

/** As docker compose does, with nothing set around it. */
function interpolated(text: string): string {
  return text.replace(/\$\{\w+:-([^}]*)\}/g, "$1");
}

describe("docker/compose.observability.yml", () => {
  const base = read("docker/compose.yml");
  const compose = read("docker/compose.observability.yml");
  const { jaeger } = compose.services;

  it("has a collector of a pinned version where the instances can reach it", () => {
    expect(jaeger?.image).to.match(/^jaegertracing\/jaeger:2\.\d+\.\d+$/);
    for (const network of jaeger?.networks ?? []) expect(base.services["instance-1"]?.networks).to.include(network);
    expect(jaeger?.ports).to.include("127.0.0.1:4317:4317").and.include("127.0.0.1:16686:16686");
  });

  it("gives both instances of the service an endpoint and a sampler that they accept", () => {
    for (const name of ["instance-1", "instance-2"]) {
      expect(base.services).to.have.property(name);
      const environment = Object.entries(compose.services[name]?.environment ?? {});
      const plain = Object.fromEntries(environment.map(([key, value]) => [key, interpolated(value)]));
      expect(new URL(plain["OTEL_EXPORTER_OTLP_ENDPOINT"]!).hostname).to.equal("jaeger");
      const config = readConfig({ ...plain });
      expect(config).to.not.be.an("array");
      expect(config)
        .to.have.property("tracing")
        .deep.equal({ isParentBased: true, ratio: 0.01, collector: { target: "jaeger:4317", isTls: false } });
    }
  });
});
