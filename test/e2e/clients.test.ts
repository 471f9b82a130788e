import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import { Service } from "./service.ts";

/** For a run of about a second, on a machine that has other things to do. */
const TOOL_TIMEOUT_MS = 30_000;
const CURL_COUNT = 50;
const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const K6_SCRIPT = "perf/k6/contest.js";
const TARGETS = "perf/clients/targets.mjs";

/** The tools of docs/clients.md, as far as the machine has them. */
describe("tools that others point at the service", function () {
  this.timeout(60_000);
  let service: Service;
  let folder: string;
  let url: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-clients-"));
    service = await Service.start();
    url = `http://${service.frontTarget.host}:${service.frontTarget.port}`;
  });

  after(async () => {
    await service?.stop();
    rmSync(folder, { recursive: true });
  });

  async function keptCount(): Promise<number> {
    const reports = await Promise.all([1, 2].map((instance) => service.readyOf(instance)));
    return reports.reduce((sum, { payments }) => sum + payments.kept, 0);
  }

  /** What the tool prints, and how many payments there are more than before. */
  async function play(file: string, args: readonly string[]): Promise<{ text: string; newCount: number }> {
    const before = await keptCount();
    const text = await run(file, args);
    return { text, newCount: (await keptCount()) - before };
  }

  async function listOf(form: string, count: number): Promise<string> {
    const path = join(folder, form);
    const address = form === "bodies" ? [] : [url];
    writeFileSync(path, await run(process.execPath, [TARGETS, form, ...address, String(count)]));
    return path;
  }

  it("curl: a list of new payments over one connection, each 202", async function () {
    if (!isThere("curl")) this.skip();
    const { text, newCount } = await play("curl", ["--config", await listOf("curl", CURL_COUNT)]);
    expect(text.match(/^202 /gm), text).to.have.length(CURL_COUNT);
    expect(newCount).to.equal(CURL_COUNT);
  });

  it("wrk: new ids in every thread, nothing refused", async function () {
    if (!isThere("wrk")) this.skip();
    const script = ["-s", "perf/clients/payments.lua"];
    const { text, newCount } = await play("wrk", ["-t2", "-c8", "-d1s", "--latency", ...script, url]);
    const [, refused, answers, broken] = /refused: (\d+) of (\d+); broken: (\d+)/.exec(text) ?? [];
    expect([refused, broken], text).to.deep.equal(["0", "0"]);
    // Those that were in flight at the end were accepted, and are not counted.
    expect(newCount).to.be.within(Number(answers), Number(answers) + 8);
    expect(Number(answers)).to.be.above(10);
  });

  it("autocannon: new ids, with and without a rate", async () => {
    for (const rate of [[], ["100"]]) {
      const { text, newCount } = await play(process.execPath, ["perf/clients/autocannon.mjs", url, "1", "4", ...rate]);
      const [, answers] = /^answers +(\d+) in [\d.]+ s \(202: \1\)$/m.exec(text) ?? [];
      expect(text)
        .to.match(/^refused +0$/m)
        .and.match(/^broken +0,/m);
      expect(newCount, text).to.be.within(Number(answers), Number(answers) + 4);
      expect(Number(answers)).to.be.above(10);
    }
  });

  it("hey: one payment and its repetitions, and reads", async function () {
    if (!isThere("hey")) this.skip();
    const body = `{"correlationId":"${ID}","amount":19.90}`;
    const post = ["-z", "1s", "-c", "4", "-m", "POST", "-T", "application/json", "-d", body, `${url}/payments`];
    const { text, newCount } = await play("hey", post);
    expect(newCount).to.equal(1);
    expect(statusesOf(text)).to.have.members(["200", "202"]);
    expect(statusesOf(await run("hey", ["-z", "1s", "-c", "4", `${url}/payments-summary`]))).to.deep.equal(["200"]);
  });

  it("vegeta: new payments at a fixed rate", async function () {
    if (!isThere("vegeta")) this.skip();
    const targets = `"${process.execPath}" ${TARGETS} vegeta ${url}`;
    const attack = "vegeta attack -format=json -lazy -rate=100 -duration=1s";
    const { text, newCount } = await play("sh", ["-c", `${targets} | ${attack} | vegeta report`]);
    expect(text).to.match(/Status Codes .*\n?.*202:100/);
    expect(newCount).to.equal(100);
  });

  it("oha: bodies of a list, taken at random", async function () {
    if (!isThere("oha")) this.skip();
    const bodies = ["-Z", await listOf("bodies", 5000)];
    const options = ["-z", "1s", "-c", "4", "--no-tui", "-m", "POST", "-T", "application/json"];
    const { text, newCount } = await play("oha", [...options, ...bodies, `${url}/payments`]);
    expect(newCount, text).to.be.above(10);
    expect(text).to.not.match(/^ *\[[45]\d\d\]/m);
  });

  it("k6: the script of both contest loads is sound JavaScript", async () => {
    await run(process.execPath, ["--check", K6_SCRIPT]);
  });

  it("k6: takes the script for both loads", async function () {
    if (!isThere("k6")) this.skip();
    for (const shape of ["preview", "final"]) {
      const { scenarios } = JSON.parse(await run("k6", ["inspect", "-e", `SHAPE=${shape}`, K6_SCRIPT]));
      expect(scenarios.payments.exec).to.equal("pay");
    }
  });

  it("the lists refuse what they cannot make, and say how it is done", async () => {
    const refusals: readonly (readonly [args: string[], rule: RegExp])[] = [
      [["ab"], /form must be vegeta, curl or bodies: form=ab\nusage: /],
      [["curl", "x"], /URL must be http:\/\/HOST:PORT: URL=x\nusage: /],
      [["bodies", "0"], /COUNT must be a whole number from 1: COUNT=0\nusage: /],
    ];
    for (const [args, rule] of refusals) {
      const refusal = await run(process.execPath, [TARGETS, ...args]).catch((error: Error) => error.message);
      expect(refusal).to.match(rule);
    }
  });
});

/** Which statuses hey has counted. */
function statusesOf(text: string): string[] {
  return [...text.matchAll(/^ *\[(\d{3})\]/gm)].map((match) => match[1]!);
}

function isThere(name: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Its output; rejects when it ends badly or not in time. */
async function run(file: string, args: readonly string[]): Promise<string> {
  const child = spawn(file, args, {
    cwd: REPOSITORY_ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    timeout: TOOL_TIMEOUT_MS,
    killSignal: "SIGKILL",
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (part: string) => {
      text += part;
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`the tool must end well: file=${file} code=${code}\n${text}`);
  return text;
}
