import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse } from "yaml";
import { submittedCompose } from "../../../perf/submission/compose-file.ts";
import { writeFolder } from "../../../perf/submission/folder.ts";
import { readImageName } from "../../../perf/submission/image-name.ts";
import { brokenRules } from "../../../perf/submission/rules.ts";

const MAIN = fileURLToPath(new URL("../../../perf/submission/main.js", import.meta.url));
const IMAGE = "registry.example:5000/somebody/rinha-backend:1.2.3";
const SOURCE = "https://example.com/somebody/rinha-backend";

type Service = {
  readonly image: string;
  readonly platform: string;
  readonly networks: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly deploy: { readonly resources: { readonly limits: { readonly cpus: string; readonly memory: string } } };
};

type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, object>>;
};

type Run = { readonly code: number; readonly out: string; readonly errors: string };

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], (error, out, errors) => {
      resolve({ code: error ? Number(error.code) : 0, out, errors });
    });
  });
}

describe("contest submission", () => {
  let parent: string;
  let folder: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "rinha-submission-"));
    folder = join(parent, "somebody");
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  const read = (name: string): string => readFileSync(join(folder, name), "utf8");

  it("is a folder of its own that keeps to the contest's rules", async () => {
    const { code, out, errors } = await run("--image", IMAGE, "--out", folder, "--source", SOURCE);
    expect({ code, errors }).to.deep.equal({ code: 0, errors: "" });
    const names = ["README.md", "docker-compose.yml", "info.json", "nginx.conf"];
    expect(readdirSync(folder).sort()).to.deep.equal(names);
    expect(out.trim().split("\n").sort()).to.deep.equal(names.map((name) => join(folder, name)).sort());
    const { services, networks } = parse(read("docker-compose.yml"), { merge: true }) as Compose;
    expect(Object.keys(services)).to.have.members(["nginx", "instance-1", "instance-2"]);
    const all = Object.values(services);
    for (const service of all) {
      expect(service).to.not.have.any.keys("build", "privileged", "network_mode");
      expect(service.deploy).to.not.have.property("replicas");
      expect(service.platform).to.equal("linux/amd64");
    }
    for (const name of ["instance-1", "instance-2"]) expect(services[name]!.image).to.equal(IMAGE);
    const limits = all.map(({ deploy }) => deploy.resources.limits);
    expect(limits.reduce((sum, { cpus }) => sum + Number(cpus), 0)).to.be.at.most(1.5 + 1e-9);
    for (const { memory } of limits) expect(memory).to.match(/^\d+MB$/);
    expect(limits.reduce((sum, { memory }) => sum + Number.parseInt(memory, 10), 0)).to.be.at.most(350);
    expect(all.flatMap(({ ports = [] }) => ports)).to.deep.equal(["9999:9999"]);
    expect(networks).to.deep.equal({
      backend: { driver: "bridge" },
      "payment-processor": { name: "payment-processor", external: true },
    });
  });

  it("has beside it all that it mounts, as it ships", async () => {
    await run("--image", IMAGE, "--out", folder, "--source", SOURCE);
    const { services } = parse(read("docker-compose.yml"), { merge: true }) as Compose;
    const mounts = Object.values(services).flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => /^[./]/.test(volume)),
    );
    expect(mounts).to.deep.equal(["./nginx.conf:/etc/nginx/nginx.conf:ro"]);
    expect(read("nginx.conf")).to.equal(readFileSync("nginx.conf", "utf8"));
    expect(read("docker-compose.yml")).to.not.contain("../").and.to.not.contain("--build");
  });

  it("differs from the compose file that ships in images and mounts only", () => {
    const original = readFileSync("docker/compose.yml", "utf8");
    const submitted = parse(submittedCompose(original, IMAGE).text, { merge: true }) as Compose;
    const back = JSON.stringify(submitted).replaceAll("./nginx.conf:", "../nginx.conf:");
    const shipped = JSON.stringify(parse(original, { merge: true }), (key, value) =>
      key === "build" ? undefined : value,
    );
    const withoutImages = JSON.stringify(JSON.parse(back), (_, value) =>
      value?.image === IMAGE ? { ...value, image: undefined } : value,
    );
    expect(JSON.parse(withoutImages)).to.deep.equal(JSON.parse(shipped));
  });

  it("describes itself as the contest asks, and says when the sources' address is missing", async () => {
    const social = ["https://social.example/a", "https://social.example/b"];
    const args = ["--name", "Some Body", ...social.flatMap((url) => ["--social", url]), "--source", SOURCE];
    await run("--image", IMAGE, "--out", folder, ...args);
    const info = JSON.parse(read("info.json")) as Record<string, unknown>;
    expect(info).to.include({ name: "Some Body", "source-code-repo": SOURCE });
    expect(info["social"]).to.deep.equal(social);
    const lists = ["langs", "storages", "messaging", "load-balancers", "other-technologies"];
    expect(Object.keys(info)).to.deep.equal(["name", "social", "source-code-repo", ...lists]);
    for (const list of lists) expect(info[list]).to.be.an("array");
    expect(read("README.md")).to.contain("# Some Body").and.to.contain(SOURCE).and.to.contain(IMAGE);
    const { code, errors } = await run("--image", IMAGE, "--out", join(parent, "without"));
    expect({ code, errors }).to.deep.equal({
      code: 0,
      errors: "the rules want the address of the sources in info.json and README.md: give --source URL\n",
    });
  });

  it("goes into an empty folder, and never over anything", async () => {
    mkdirSync(folder);
    expect((await run("--image", IMAGE, "--out", folder)).code).to.equal(0);
    const before = read("docker-compose.yml");
    const again = await run("--image", "other:1", "--out", folder);
    expect(again).to.deep.equal({
      code: 1,
      out: "",
      errors: `out must be empty, or not be there: out=${folder} found=README.md (name another folder)\n`,
    });
    expect(read("docker-compose.yml")).to.equal(before);
    writeFileSync(join(parent, "file"), "");
    expect(() => writeFolder(join(parent, "file"), new Map())).to.throw("out must be a folder: out=");
    expect(() => writeFolder(join(parent, "bad"), new Map([["no/such/folder", ""]]))).to.throw("ENOENT");
    expect(readdirSync(parent).sort()).to.deep.equal(["file", "somebody"]);
  });

  it("refuses what it cannot use, in one line, and makes nothing", async () => {
    const wrong: [string[], string][] = [
      [["--out", folder], "an image must be named: --image NAME:TAG\n"],
      [["--image", IMAGE], "a folder must be named: --out DIR\n"],
      [["--image", "rinha-backend", "--out", folder], "image must have a tag, NAME:TAG: image=rinha-backend\n"],
      [["--image", IMAGE, "--out", folder, "--source", "here"], "source must be an http or https URL: source=here\n"],
      [["--image", IMAGE, "--out", folder, "--social", "@me"], "social must be an http or https URL: social=@me\n"],
    ];
    for (const [args, errors] of wrong) expect(await run(...args)).to.deep.equal({ code: 1, out: "", errors });
    expect(existsSync(folder)).to.equal(false);
  });

  it("knows the names of images", () => {
    for (const name of ["a:1", "some-body/rinha_backend:v1.0", "localhost:5000/a/b:latest", IMAGE]) {
      expect(readImageName(name)).to.equal(name);
    }
    for (const name of ["a", "localhost:5000/a", "a:", `a:${"x".repeat(129)}`, "a:-1"]) {
      expect(() => readImageName(name), name).to.throw(`image must have a tag, NAME:TAG: image=${name}`);
    }
    for (const name of ["A:1", ":1", "a b:1", "a/:1", "-a:1", "a@sha256:abc", `${"a".repeat(256)}:1`, "$(id):1"]) {
      expect(() => readImageName(name), name).to.throw("image must have a name as registries take them");
    }
  });

  it("would not be made of a compose file that breaks a rule", () => {
    const sound = submittedCompose(readFileSync("docker/compose.yml", "utf8"), IMAGE).text;
    expect(brokenRules(sound)).to.deep.equal([]);
    const broken: [from: string, to: string, rule: string][] = [
      ['cpus: "0.6"', 'cpus: "0.7"', "all services together may have 1.5 CPUs"],
      ['memory: "150MB"', 'memory: "151MB"', "all services together may have 350MB: memoryMb=352"],
      ['memory: "50MB"', "pids: 5", "all services together may have 350MB: memoryMb=NaN"],
      ["9999:9999", "8080:9999", "port 9999 must be published: ports=8080:9999"],
      ["external: true", "driver: bridge", "a network must be external: network=payment-processor"],
      ["driver: bridge", "driver: host", "a network must be a bridge: network=backend driver=host"],
      ["init: true", "privileged: true", "the contest forbids a key: key=privileged"],
      ["init: true", "network_mode: host", "the contest forbids a key: key=network_mode"],
      ["linux/amd64", "linux/arm64", "a service must be for linux/amd64: service=instance-1 platform=linux/arm64"],
    ];
    for (const [from, to, rule] of broken) {
      expect(sound, from).to.contain(from);
      expect(brokenRules(sound.replace(from, to)).join("\n"), rule).to.contain(rule);
    }
    expect(() => submittedCompose("services: {a: {build: {target: processor}}}", IMAGE)).to.throw(
      "only instances may be built: target=processor",
    );
  });
});
