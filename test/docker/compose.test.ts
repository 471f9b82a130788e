import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly image?: string;
  readonly platform?: string;
  readonly user?: string;
  readonly working_dir?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly hostname?: string;
  readonly environment?: { readonly LISTEN: string };
  readonly networks: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly deploy: {
    readonly replicas?: number;
    readonly resources: { readonly limits: { readonly cpus: string; readonly memory: string } };
  };
}

interface Network {
  readonly name?: string;
  readonly driver?: string;
  readonly external?: boolean;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, Network>>;
  readonly volumes?: { readonly sockets: { readonly driver_opts: { readonly o: string } } };
}

const COMPOSE_FILE = "docker/compose.yml";
const PROCESSORS_FILE = "docker/compose.processors.yml";
const CLUSTER_FILE = "docker/compose.cluster.yml";

function read(file: string): Compose {
  return parse(readFileSync(file, "utf8"), { merge: true });
}

function cpuCount(service: Service): number {
  return Number(service.deploy.resources.limits.cpus);
}

function memoryMb(service: Service): number {
  const match = /^(\d+)MB$/.exec(service.deploy.resources.limits.memory);
  return Number(match?.[1]);
}

/** Every key at any depth: what is forbidden is forbidden everywhere. */
function allKeys(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(allKeys);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...allKeys(inner)]);
}

describe("docker/compose.yml", () => {
  const compose = read(COMPOSE_FILE);
  const { nginx, "instance-1": first, "instance-2": second } = compose.services;
  const services = Object.values(compose.services);
  const instances = [first!, second!];

  it("runs nginx and two instances", () => {
    expect(Object.keys(compose.services)).to.have.members(["nginx", "instance-1", "instance-2"]);
  });

  it("stays within the contest's limits, in the shares each part needs", () => {
    expect(services.map((service) => [cpuCount(service), memoryMb(service)])).to.deep.equal([
      [0.3, 50],
      [0.6, 150],
      [0.6, 150],
    ]);
    expect(services.reduce((sum, service) => sum + cpuCount(service), 0)).to.be.closeTo(1.5, 1e-9);
    expect(services.reduce((sum, service) => sum + memoryMb(service), 0)).to.equal(350);
  });

  it("uses bridge networks only, the processors' being external", () => {
    expect(compose.networks).to.deep.equal({
      backend: { driver: "bridge" },
      "payment-processor": { name: "payment-processor", external: true },
    });
    expect(nginx?.networks).to.deep.equal(["backend"]);
    for (const instance of instances) expect(instance.networks).to.include("payment-processor");
  });

  it("publishes nginx on 9999 and nothing else", () => {
    expect(nginx?.ports).to.deep.equal(["9999:9999"]);
    for (const instance of instances) expect(instance).to.not.have.property("ports");
  });

  it("asks for nothing that the contest forbids", () => {
    const forbidden = ["privileged", "network_mode", "replicas", "pid", "ipc", "cap_add", "devices"];
    for (const key of forbidden) expect(allKeys(compose), key).to.not.include(key);
    for (const service of services) expect(service.platform).to.equal("linux/amd64");
  });

  it("gives each instance its number, its own socket and the same links and processors", () => {
    const shared = {
      PROFILE: "contest",
      LINKS: "unix:/run/rinha/link-1.sock,unix:/run/rinha/link-2.sock",
      DEFAULT_PROCESSOR_URL: "http://payment-processor-default:8080",
      FALLBACK_PROCESSOR_URL: "http://payment-processor-fallback:8080",
    };
    for (const [index, instance] of instances.entries()) {
      const number = String(index + 1);
      const own = { INSTANCE: number, LISTEN: `unix:/run/rinha/instance-${number}.sock` };
      expect(instance.environment).to.deep.equal({ ...shared, ...own });
    }
  });

  it("starts nginx as the owner of the sockets, where they are, not waiting for an instance to be well", () => {
    for (const service of services) expect(service.volumes).to.include("sockets:/run/rinha");
    expect(nginx?.user).to.equal("1000:1000");
    expect(compose.volumes?.sockets.driver_opts.o).to.include("uid=1000,gid=1000");
    expect(nginx?.working_dir).to.equal("/run/rinha");
    expect(nginx?.entrypoint).to.include.members(["-c", "/etc/nginx/nginx.conf", "-p", "/run/rinha"]);
    expect(nginx?.depends_on).to.deep.equal(["instance-1", "instance-2"]);
  });

  it("looks for the sockets under the names that nginx.conf has", () => {
    const config = readFileSync("nginx.conf", "utf8");
    const named = new Set(Array.from(config.matchAll(/server unix:(\S+)/g), (match) => match[1]));
    const listened = instances.map((instance) => instance.environment?.LISTEN.replace("unix:/run/rinha/", ""));
    expect([...named]).to.deep.equal(listened);
  });
});

describe("docker/compose.processors.yml", () => {
  const compose = read(PROCESSORS_FILE);

  it("offers both processors under the names, ports and fees of the contest", () => {
    const expected = [
      { name: "default", port: "8001:8080", fee: "0.05" },
      { name: "fallback", port: "8002:8080", fee: "0.15" },
    ];
    expect(Object.keys(compose.services)).to.have.length(expected.length);
    for (const { name, port, fee } of expected) {
      const service = compose.services[`payment-processor-${name}`];
      expect(service?.ports).to.deep.equal([port]);
      expect(service?.hostname).to.equal(`payment-processor-${name}`);
      expect(service?.command?.join(" ")).to.equal(`--name ${name} --fee ${fee} --port 8080 --host 0.0.0.0`);
    }
  });

  it("makes the network that the service joins", () => {
    expect(compose.networks).to.deep.equal({ "payment-processor": { name: "payment-processor", driver: "bridge" } });
  });
});

for (const file of [COMPOSE_FILE, PROCESSORS_FILE, CLUSTER_FILE]) {
  describe(`what ${file} names`, () => {
    const services = Object.entries(read(file).services);

    it("exists: files to mount and to build from", () => {
      for (const [name, { build, image, volumes = [] }] of services) {
        expect(
          [build, image].filter((source) => source !== undefined),
          name,
        ).to.have.length(1);
        if (build !== undefined)
          expect(existsSync(join(dirname(file), build.context, build.dockerfile)), name).to.equal(true);
        for (const mounted of volumes.filter((volume) => volume.startsWith("."))) {
          expect(existsSync(join(dirname(file), mounted.split(":")[0]!)), mounted).to.equal(true);
          expect(mounted).to.match(/:ro$/);
        }
      }
    });

    it("runs on the machine's own architecture, unless it is the contest's", () => {
      const expected = file === COMPOSE_FILE ? "linux/amd64" : undefined;
      for (const [name, { platform }] of services) expect(platform, name).to.equal(expected);
    });

    it("exists: stages of the Dockerfile", () => {
      const stages = Array.from(
        readFileSync("docker/Dockerfile", "utf8").matchAll(/^FROM \S+ AS (\S+)$/gm),
        (match) => match[1],
      );
      for (const [, { build }] of services) if (build !== undefined) expect(stages).to.include(build.target);
    });
  });
}
