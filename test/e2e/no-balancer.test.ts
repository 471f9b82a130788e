import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import { topologyOptionsFromEnv } from "../../perf/launch/environment.ts";
import { isAlive, until } from "../support/processes.ts";
import { Caller } from "./caller.ts";
import { newPayment, pay, payMany, untilState } from "./payments.ts";
import { countOf, summaryOf } from "./summaries.ts";

const MAIN = fileURLToPath(new URL("../../bundle/perf/launch/main.js", import.meta.url));
const ENVIRONMENT = { BALANCER: "none", PORT: "0", DEFAULT_PROCESSOR_PORT: "0", FALLBACK_PROCESSOR_PORT: "0" };

describe("npm start without a balancer", () => {
  let command: ChildProcess;
  let output = "";

  beforeEach(async () => {
    output = "";
    command = spawn(process.execPath, [MAIN], { env: { ...process.env, ...ENVIRONMENT } });
    command.stdout?.on("data", (chunk: Buffer) => (output += chunk));
    command.stderr?.on("data", (chunk: Buffer) => (output += chunk));
    await until(() => output.includes("Ctrl-C ends all of it.") || command.exitCode !== null);
  });

  afterEach(async () => {
    if (command.exitCode !== null || command.signalCode !== null) return;
    command.kill("SIGTERM");
    await once(command, "close");
  });

  const portsTold = (): number[] =>
    [...output.matchAll(/^instance +http:\/\/127\.0\.0\.1:(\d+)/gm)].map(([, port]) => Number(port));

  it("has two instances on ports of their own, which take every payment and tell of all", async () => {
    const ports = portsTold();
    expect(ports, output).to.have.length(2);
    expect(output).to.contain(`service   http://127.0.0.1:${ports[0]}  no balancer`).and.to.not.contain("nginx");
    const callers = ports.map((port) => new Caller({ host: "127.0.0.1", port }));
    try {
      const payments = callers.map(() => Array.from({ length: 20 }, () => newPayment()));
      await Promise.all(callers.map((caller, i) => payMany(caller, payments[i]!)));
      // What one has taken the other knows.
      await untilState(callers[0]!, payments[1]!, "processed");
      await untilState(callers[1]!, payments[0]!, "processed");
      expect((await pay(callers[1]!, payments[0]![0]!)).status).to.equal(200);
      for (const caller of callers) expect(countOf(await summaryOf(caller))).to.equal(40);
    } finally {
      for (const caller of callers) caller.close();
    }
  });

  it("keeps the operators' calls on sockets, and leaves nothing behind", async () => {
    const [port] = portsTold();
    const open = new Caller({ host: "127.0.0.1", port: port! });
    const socketPath = /--unix-socket (\S+)/.exec(output)![1]!;
    const operators = new Caller({ socketPath });
    try {
      expect((await open.get("/metrics")).status).to.equal(404);
      expect((await open.get("/doubts")).status).to.equal(404);
      expect((await operators.get("/metrics")).status).to.equal(200);
      expect(output).to.contain(`--at unix:${socketPath}`);
      expect((await operators.get("/doubts")).status).to.equal(200);
    } finally {
      open.close();
      operators.close();
    }
    const pids = [...output.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    expect(pids).to.have.length(4);
    command.kill("SIGTERM");
    await once(command, "close");
    expect(pids.filter(isAlive)).to.deep.equal([]);
    expect(existsSync(dirname(socketPath))).to.equal(false);
  });
});

describe("BALANCER", () => {
  it("is nginx or none, and without nginx every instance needs a port", () => {
    expect(topologyOptionsFromEnv({})).to.include({ balancer: "nginx", port: 9999 });
    expect(topologyOptionsFromEnv({ BALANCER: "none", INSTANCES: "3" })).to.include({ balancer: "none", port: 9999 });
    expect(() => topologyOptionsFromEnv({ BALANCER: "haproxy" })).to.throw(
      "BALANCER must be nginx or none: BALANCER=haproxy",
    );
    const none = { BALANCER: "none", PORT: "65535", METRICS_THROUGH_NGINX: "true" };
    expect(() => topologyOptionsFromEnv(none)).to.throw(
      "METRICS_THROUGH_NGINX needs nginx: BALANCER=none\nPORT must be a whole number from 0 to 65534: PORT=65535",
    );
  });
});

describe("npm start for somebody without root and nginx", () => {
  const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];

  /** Whether this process may become nobody, and nobody may read the checkout. */
  function canBeNobody(): boolean {
    if (process.getuid?.() !== 0 || spawnSync("unshare", ["--mount", "true"]).status !== 0) return false;
    const [file, ...args] = [...nobody, "--eval", 'require("fs").readFileSync("package.json")'];
    return spawnSync(file!, args, { cwd: REPOSITORY_ROOT }).status === 0;
  }

  /** As it is where nginx was never installed: there is a file in its place that nobody may run. */
  function setUp(folder: string, env: Readonly<Record<string, string>>): Promise<string> {
    const nothing = join(folder, "nothing");
    writeFileSync(nothing, "", { mode: 0o644 });
    const places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"].filter((path) => existsSync(path));
    const hide = places.map((path) => `mount --bind ${nothing} ${path}`).join(" && ");
    const script = `${hide || "true"} && exec ${nobody.join(" ")} scripts/setup.mjs --balancer`;
    return new Promise((resolve) => {
      const options = { cwd: REPOSITORY_ROOT, env: { ...process.env, ...env } };
      execFile("unshare", ["--mount", "sh", "-c", script], options, (_, out, errors) => resolve(out + errors));
    });
  }

  it("says the command that installs nginx, and the one that goes without", async function () {
    if (!canBeNobody()) this.skip();
    const folder = mkdtempSync(join(tmpdir(), "rinha-setup-"));
    try {
      expect(await setUp(folder, { BALANCER: "" })).to.equal(
        [
          "setup: nginx must be installed: nginx=none; run",
          "  sudo apt-get update && sudo apt-get install -y --no-install-recommends nginx",
          "or start without it, every instance on a port of its own:",
          "  BALANCER=none npm start\n",
        ].join("\n"),
      );
      expect(await setUp(folder, { BALANCER: "none" })).to.not.contain("nginx");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
