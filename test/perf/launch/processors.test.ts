import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type StartOptions, topologyOptionsFromEnv } from "../../../perf/launch/environment.ts";
import { processorPlan } from "../../../perf/launch/plans.ts";
import { environmentOf, feeText, portWishesOf, urlsOf, withPorts } from "../../../perf/launch/processors.ts";
import { readConfig } from "../../../server/settings/config.ts";
import { Random } from "../../support/random.ts";

type Entry = Record<string, unknown>;

const REAL = {
  name: "real",
  fee: "0.02",
  url: "http://user:secret@10.0.0.7:8080/v1",
  maxInFlight: 400,
  headers: { "X-Api-Key": "hush" },
  answers: { success: [200, 201] },
  believesNotFound: false,
};

function startOptions(processors: readonly Entry[] | string, env: Record<string, string> = {}): StartOptions {
  const text = typeof processors === "string" ? processors : JSON.stringify(processors);
  return topologyOptionsFromEnv({ PROCESSORS: text, ...env });
}

function simulated(count: number): Entry[] {
  return Array.from({ length: count }, (_, i) => ({ name: `p${i}`, fee: `${(i + 1) / 100}` }));
}

/** What the instances are told, once every port is settled. */
function told({ processors }: StartOptions, ports: readonly number[]): Entry[] {
  return JSON.parse(environmentOf(withPorts(processors, ports))["PROCESSORS"]!) as Entry[];
}

describe("processors of a topology", () => {
  for (const count of [1, 2, 3, 16]) {
    it(`are ${count} simulated ones, on one port after the other, or on any free ones`, () => {
      const entries = simulated(count);
      const { processors, env } = startOptions(entries);
      expect(processors.map(({ name, fee, url }) => ({ name, fee, url }))).to.deep.equal(
        entries.map(({ name, fee }) => ({ name, fee: Number(fee), url: undefined })),
      );
      const ports = portWishesOf(processors).map(({ port }) => port);
      expect(ports).to.deep.equal(entries.map((_, i) => 8001 + i));
      expect(env).to.include({ PROCESSOR_ADMIN_TOKEN: "123" });
      const free = startOptions(entries, { DEFAULT_PROCESSOR_PORT: "0" });
      expect(portWishesOf(free.processors).map(({ port }) => port)).to.deep.equal(entries.map(() => 0));
    });

    it(`are ${count} to the instances, in their order`, () => {
      const entries = simulated(count);
      const ports = entries.map((_, i) => 9000 + i);
      const environment = environmentOf(withPorts(startOptions(entries).processors, ports));
      const config = readConfig(environment);
      if (Array.isArray(config)) throw new Error(config.join("\n"));
      expect(config.processors.map(({ name, fee, url }) => [name, fee.text, url.origin])).to.deep.equal(
        entries.map(({ name, fee }, i) => [name, fee, `http://127.0.0.1:${9000 + i}`]),
      );
    });
  }

  it("that run elsewhere are left alone, and told to the instances as they are", () => {
    const options = startOptions([{ name: "a", fee: "0.01", maxInFlight: 8 }, REAL, { name: "c", fee: "0.03" }]);
    const { processors, env } = options;
    expect(portWishesOf(processors).map(({ name, port }) => [name, port])).to.deep.equal([
      ["processor-a", 8001],
      ["processor-c", 8002],
    ]);
    expect(told(options, [9001, 9002])).to.deep.equal([
      { name: "a", fee: "0.01", maxInFlight: 8, url: "http://127.0.0.1:9001" },
      REAL,
      { name: "c", fee: "0.03", url: "http://127.0.0.1:9002" },
    ]);
    expect(Object.entries(urlsOf(withPorts(processors, [9001, 9002])))).to.deep.equal([
      ["a", "http://127.0.0.1:9001"],
      ["real", REAL.url],
      ["c", "http://127.0.0.1:9002"],
    ]);
    expect(env).to.not.have.property("PROCESSOR_ADMIN_TOKEN");
  });

  it("come from a file as well", () => {
    const folder = mkdtempSync(join(tmpdir(), "processors-"));
    const path = join(folder, "processors.json");
    writeFileSync(path, JSON.stringify([REAL]));
    expect(startOptions(path).processors.map(({ name, url }) => ({ name, url }))).to.deep.equal([
      { name: "real", url: REAL.url },
    ]);
    rmSync(folder, { recursive: true });
    expect(() => startOptions(path)).to.throw(/^PROCESSORS must be a JSON array, or the path of a file.*ENOENT$/);
  });

  it("without PROCESSORS are the two of the short form, whose fees are a line", () => {
    const { processors } = topologyOptionsFromEnv({ DEFAULT_FEE: "0.01", FALLBACK_FEE: "0.05" });
    expect(processors.map(({ name, fee, port }) => [name, fee, port])).to.deep.equal([
      ["default", 0.01, 8001],
      ["fallback", 0.05, 8002],
    ]);
    expect(environmentOf(withPorts(processors, [9001, 9002]))).to.deep.equal({
      PROCESSORS: "",
      DEFAULT_PROCESSOR_URL: "http://127.0.0.1:9001",
      FALLBACK_PROCESSOR_URL: "http://127.0.0.1:9002",
      DEFAULT_FEE: "0.01",
      FALLBACK_FEE: "0.05",
    });
  });

  it("are refused with all that is wrong with them, and without their secrets", () => {
    const wrong = [
      { ...REAL, url: "ftp://user:secret@host" },
      { name: "a b", fee: "two" },
      { name: "c", fee: "0.1", color: "red" },
    ];
    let message = "";
    try {
      startOptions(wrong, { PORT: "http" });
    } catch (error) {
      message = (error as Error).message;
    }
    for (const place of ["PORT", "[0].url", "[1].name", "[1].fee", "[2]"]) expect(message).to.include(place);
    expect(message.split("\n")).to.have.length(5);
    expect(message).to.not.match(/secret|hush/);
  });

  it("are refused where there are none, too many, or two of a name", () => {
    expect(() => startOptions([])).to.throw("PROCESSORS must be 1 to 16 processors: count=0");
    expect(() => startOptions(simulated(17))).to.throw("PROCESSORS must be 1 to 16 processors: count=17");
    expect(() => startOptions([...simulated(2), { name: "p1", fee: "0" }])).to.throw("different names: name=p1");
    expect(() => startOptions('["a"]')).to.throw("PROCESSORS[0] must be an object");
    expect(() => startOptions("[")).to.throw("no JSON");
  });

  it("are not told in two ways at once, nor where their ports end", () => {
    expect(() => startOptions(simulated(1), { DEFAULT_FEE: "0.1" })).to.throw(
      "PROCESSORS says it all: DEFAULT_FEE must not be set as well",
    );
    expect(() => startOptions(simulated(3), { DEFAULT_PROCESSOR_PORT: "65534" })).to.throw(
      "DEFAULT_PROCESSOR_PORT must leave room for more ports: port=65534 count=3",
    );
    expect(startOptions(simulated(2), { DEFAULT_PROCESSOR_PORT: "65534" }).processors[1]).to.include({ port: 65_535 });
  });

  it("may have a name that looks like an option", () => {
    const shared = { host: "127.0.0.1", port: 1, command: undefined, readyTimeoutMs: 1 };
    const { name, command } = processorPlan({ ...shared, name: "--fee", fee: 1e-7 });
    expect(name).to.equal("processor---fee");
    expect(command.args.slice(1)).to.deep.equal([
      "--name=--fee",
      "--port",
      "1",
      "--host",
      "127.0.0.1",
      "--fee",
      "0.0000001",
    ]);
  });

  it("have fees as plain decimals, whatever they are", () => {
    expect([0, 1, 0.5, 0.1, 1e-12].map(feeText)).to.deep.equal(["0", "1", "0.5", "0.1", "0.000000000001"]);
    const random = new Random(7);
    for (let i = 0; i < 1000; i++) {
      const fee = random.below(1e6) / 10 ** (6 + random.below(7));
      expect(Number(feeText(fee)), `fee=${fee}`).to.equal(fee);
    }
  });
});
