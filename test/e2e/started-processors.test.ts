import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { Caller } from "./caller.ts";
import { newPayment, type Payment, payMany, untilState } from "./payments.ts";
import { until } from "./until.ts";

const START = fileURLToPath(new URL("../../bundle/perf/launch/main.js", import.meta.url));
const AUDIT = fileURLToPath(new URL("../../perf/audit/main.js", import.meta.url));
/** The middle one is the cheapest, and the first the next. */
const PROCESSORS = [
  { name: "acquirer-b", fee: "0.02" },
  { name: "acquirer-a", fee: "0.01", maxInFlight: 64 },
  { name: "backup", fee: "0.1" },
];
const NAMES = PROCESSORS.map(({ name }) => name);
const PAYMENT_COUNT = 30;

/** `npm start` without npm, and `npm run audit` likewise. */
describe("npm start with three processors", () => {
  let command: ChildProcess;
  let output = "";
  let front: Caller;
  let serviceUrl: string;
  let urls: Map<string, string>;

  before(async () => {
    const env = { PROCESSORS: JSON.stringify(PROCESSORS), PORT: "0", DEFAULT_PROCESSOR_PORT: "0", LOG_LEVEL: "fatal" };
    command = spawn(process.execPath, [START], { env: { ...process.env, ...env } });
    for (const stream of [command.stdout, command.stderr]) stream?.on("data", (chunk) => (output += chunk));
    await until("all is up", () => output.includes("Ctrl-C ends all of it.") || command.exitCode !== null);
    serviceUrl = /service +(\S+)/.exec(output)?.[1] ?? `none: output=${output}`;
    urls = new Map([...output.matchAll(/^(\S+) +(http:\S+) {2}fee /gm)].map(([, name, url]) => [name!, url!]));
    const { hostname, port } = new URL(serviceUrl);
    front = new Caller({ host: hostname, port: Number(port) });
  });

  after(async () => {
    front?.close();
    if (command.exitCode !== null) return;
    command.kill("SIGTERM");
    await once(command, "close");
  });

  async function payAll(): Promise<readonly Payment[]> {
    const payments = Array.from({ length: PAYMENT_COUNT }, () => newPayment());
    await payMany(front, payments);
    return payments;
  }

  async function countsByName(): Promise<Record<string, number>> {
    const summary = JSON.parse((await front.get("/payments-summary")).body) as Record<
      string,
      { totalRequests: number }
    >;
    return Object.fromEntries(Object.entries(summary).map(([name, { totalRequests }]) => [name, totalRequests]));
  }

  async function audited(...args: string[]): Promise<{ code: number; report: string }> {
    const child = spawn(process.execPath, [AUDIT, "--url", serviceUrl, "--full", ...args]);
    let report = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (report += chunk));
    const [code] = (await once(child, "close")) as [number];
    return { code, report };
  }

  const processorOptions = (names: readonly string[]): string[] =>
    names.flatMap((name) => ["--processor", `${name}=${urls.get(name)}`]);

  it("says of each where it is and what it keeps, in configured order", () => {
    expect([...urls.keys()], output).to.deep.equal(NAMES);
    for (const [name, percent] of [
      ["acquirer-b", 2],
      ["acquirer-a", 1],
      ["backup", 10],
    ])
      expect(output).to.match(new RegExp(`^${name} +http://127\\.0\\.0\\.1:\\d+  fee ${percent} %  pid \\d+$`, "m"));
  });

  it("pays the cheapest, the next while that fails, and agrees with all three by name", async () => {
    await untilState(front, await payAll(), "processed");
    expect(Object.entries(await countsByName())).to.deep.equal([
      ["acquirer-b", 0],
      ["acquirer-a", PAYMENT_COUNT],
      ["backup", 0],
    ]);
    const path = `${urls.get("acquirer-a")}/admin/configurations/failure`;
    const headers = { "x-rinha-token": "123", "content-type": "application/json" };
    await fetch(path, { method: "PUT", headers, body: '{"failure": true}' });
    await untilState(front, await payAll(), "processed");
    const counts = await countsByName();
    expect(counts["acquirer-a"]).to.equal(PAYMENT_COUNT);
    expect(counts["acquirer-b"]! + counts["backup"]!).to.equal(PAYMENT_COUNT);
    const { code, report } = await audited(...processorOptions(NAMES));
    expect(code, report).to.equal(0);
    for (const name of NAMES)
      expect(report).to.match(new RegExp(`^${name} +${counts[name]} +${counts[name]} +0 `, "m"));
  });

  it("is audited in full or not at all", async () => {
    const { code, report } = await audited(...processorOptions(NAMES.slice(1)));
    expect(code).to.equal(2);
    expect(report).to.include("acquirer-b");
  });
});
