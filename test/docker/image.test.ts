import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";

const dockerfile = readFileSync("docker/Dockerfile", "utf8");

/** Instructions with their continued lines joined. */
const instructions = dockerfile
  .replaceAll(/\\\n\s*/g, "")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => ({ word: line.split(" ")[0]!, rest: line.slice(line.indexOf(" ") + 1) }));

function argumentsOf(word: string): string[] {
  return instructions.filter((instruction) => instruction.word === word).map(({ rest }) => rest);
}

/** The instructions of one stage. */
function stage(name: string): { word: string; rest: string }[] {
  const start = instructions.findIndex(({ word, rest }) => word === "FROM" && rest.endsWith(` AS ${name}`));
  const length = instructions.slice(start + 1).findIndex(({ word }) => word === "FROM");
  return instructions.slice(start, length < 0 ? undefined : start + 1 + length);
}

describe("docker/Dockerfile", () => {
  it("builds on the slim image of Node.js 24, or on a stage of its own defined before", () => {
    const known = new Set(["node:24-trixie-slim"]);
    for (const from of argumentsOf("FROM")) {
      const [base = "", , name = ""] = from.split(" ");
      expect(known.has(base), from).to.equal(true);
      known.add(name);
    }
    for (const copy of argumentsOf("COPY")) {
      const source = /--from=(\S+)/.exec(copy)?.[1];
      if (source !== undefined) expect(known.has(source), copy).to.equal(true);
    }
  });

  it("builds the instance unless told otherwise", () => {
    expect(argumentsOf("FROM").at(-1)).to.match(/ AS instance$/);
  });

  it("runs nothing as root: both images start from the stage that ends by giving root up", () => {
    expect(stage("runtime").at(-1)).to.deep.equal({ word: "USER", rest: "node" });
    for (const name of ["instance", "processor"]) {
      expect(stage(name)[0]?.rest).to.equal(`runtime AS ${name}`);
      expect(stage(name).map(({ word }) => word)).to.not.include.members(["USER"]);
    }
  });

  it("takes production packages only into the images", () => {
    const packages = instructions.filter(({ word, rest }) => word === "COPY" && rest.includes("node_modules"));
    expect(packages.map(({ rest }) => rest)).to.deep.equal([
      "--from=production /app/node_modules/uWebSockets.js node_modules/uWebSockets.js",
      "--from=production /app/node_modules/uplot node_modules/uplot",
    ]);
    expect(stage("production").some(({ rest }) => rest.includes("npm ci --omit=dev"))).to.equal(true);
  });

  it("starts what is bundled, with the option that its compiled code was made with", () => {
    expect(stage("runtime").map(({ rest }) => rest)).to.include("--from=build /app/build/bundle build");
    expect(argumentsOf("ENTRYPOINT").at(-1)).to.equal('["node", "--max-old-space-size=64", "build/server/main.js"]');
    const plans = readFileSync("perf/launch/plans.ts", "utf8");
    expect(plans).to.contain('["--max-old-space-size=64"]');
  });

  it("starts programs whose sources exist", () => {
    const entries = Array.from(dockerfile.matchAll(/"build\/(\S+)\.js"/g), (match) => `${match[1]}.ts`);
    expect(entries).to.have.members(["server/main.ts", "perf/processor/main.ts"]);
    for (const entry of entries) expect(existsSync(entry), entry).to.equal(true);
  });

  it("copies files that exist and that .dockerignore lets through", () => {
    const allowed = readFileSync(".dockerignore", "utf8")
      .split("\n")
      .filter((line) => line.startsWith("!"));
    const copied = argumentsOf("COPY")
      .filter((copy) => !copy.startsWith("--from="))
      .flatMap((copy) => copy.split(" ").slice(0, -1));
    for (const source of copied) {
      expect(existsSync(source), source).to.equal(true);
      expect(allowed).to.include(`!${source}`);
    }
    expect(allowed.map((line) => line.slice(1))).to.have.members(copied);
  });
});

describe("docker/keep-one-binary.mjs", () => {
  let directory: string;
  const own = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "rinha-image-"));
    mkdirSync(join(directory, "src"));
    for (const file of ["uws.js", "uws_linux_arm_93.node", "uws_win32_x64_137.node"])
      writeFileSync(join(directory, file), "");
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it("leaves the one that this Node.js loads, and checks that it does", async () => {
    writeFileSync(join(directory, own), readFileSync(join("node_modules/uWebSockets.js", own)));
    expect(await run("docker/keep-one-binary.mjs", [directory])).to.equal(0);
    expect(readdirSync(directory)).to.have.members(["src", "uws.js", own]);
  });

  it("fails when there is none, or when it does not load", async () => {
    expect(await run("docker/keep-one-binary.mjs", [directory])).to.not.equal(0);
    expect(readdirSync(directory)).to.have.length(4);
    writeFileSync(join(directory, own), "not a binary");
    expect(await run("docker/keep-one-binary.mjs", [directory])).to.not.equal(0);
  });
});

describe("docker/healthcheck.mjs", () => {
  let status = 200;
  const server = createServer((request, response) =>
    response.writeHead(request.url === "/health" ? status : 404).end(),
  );
  let directory: string;

  before(() => {
    directory = mkdtempSync(join(tmpdir(), "rinha-health-"));
  });

  after(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  it("tells well from unwell and from absent, on a socket and on a port", async () => {
    const socket = `unix:${join(directory, "instance-1.sock")}`;
    expect(await run("docker/healthcheck.mjs", [], { LISTEN: socket })).to.equal(1);
    await once(server.listen(socket.slice("unix:".length)), "listening");
    expect(await run("docker/healthcheck.mjs", [], { LISTEN: socket })).to.equal(0);
    status = 503;
    expect(await run("docker/healthcheck.mjs", [], { LISTEN: socket })).to.equal(1);
    status = 200;
    server.close();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    expect(await run("docker/healthcheck.mjs", [], { LISTEN: `tcp:127.0.0.1:${port}` })).to.equal(0);
  });

  it("fails when it is not told where to ask", async () => {
    for (const env of [{}, { LISTEN: "" }, { LISTEN: "8080" }]) {
      expect(await run("docker/healthcheck.mjs", [], env)).to.equal(1);
    }
  });
});

async function run(script: string, args: string[], env: Record<string, string> = {}): Promise<number | null> {
  const child: ChildProcess = spawn(process.execPath, [script, ...args], { env, stdio: "ignore" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
