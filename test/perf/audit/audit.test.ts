import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { HttpCaller } from "../../../perf/audit/ask.ts";
import { type AuditResult, type AuditWish, audit } from "../../../perf/audit/audit.ts";
import { ProcessorAdmin } from "../../../perf/audit/processor-admin.ts";
import { ServiceApi } from "../../../perf/audit/service-api.ts";
import type { PerRole, Role } from "../../../perf/audit/totals.ts";
import { startTopology, type Topology } from "../../../perf/launch/topology.ts";
import { type RunningProcessor, startProcessor } from "../../../perf/processor/processor.ts";
import { until } from "../../support/processes.ts";

const MAIN = fileURLToPath(new URL("../../../perf/audit/main.js", import.meta.url));
const PAYMENT_COUNT = 40;

type Booked = {
  readonly correlationId: string;
  readonly amount: number;
  readonly requestedAt: string;
};

/**
 * Two processors of this process, the service as its own processes, and forty payments processed by the default
 * processor.
 */
describe("audit", () => {
  let processors: PerRole<RunningProcessor>;
  let topology: Topology;
  let callers: HttpCaller[];
  let service: ServiceApi;
  let admins: PerRole<ProcessorAdmin>;
  let booked: Booked[];

  before(async () => {
    processors = { default: await startProcessor(), fallback: await startProcessor({ fee: 0.15 }) };
    const processorUrls = { default: processors.default.url, fallback: processors.fallback.url };
    // All of them at the cheaper one, however busy the machine is.
    const env = { PROFILE: "contest", LOG_LEVEL: "fatal", ANSWER_WITHIN_MS: "300000", SETTLE_WITHIN_MS: "300000" };
    topology = await startTopology({ port: 0, processorUrls, env });
    const urls = [topology.url, processorUrls.default, processorUrls.fallback];
    callers = urls.map((url) => new HttpCaller(new URL(url), 8, 5000));
    service = new ServiceApi(callers[0]!.ask);
    admins = {
      default: new ProcessorAdmin(callers[1]!.ask, "123"),
      fallback: new ProcessorAdmin(callers[2]!.ask, "123"),
    };
  });

  after(async () => {
    await Promise.all(callers.map((caller) => caller.close()));
    await topology.stop();
    processors.default.close();
    processors.fallback.close();
  });

  beforeEach(async () => {
    processors.default.charges.purge();
    processors.fallback.charges.purge();
    expect(await service.purge()).to.equal(200);
    const ids = Array.from({ length: PAYMENT_COUNT }, () => randomUUID());
    await Promise.all(ids.map((id, i) => post(topology.url, { correlationId: id, amount: i + 0.5 })));
    await until(() => processors.default.charges.count === PAYMENT_COUNT);
    await until(async () => (await service.totals("")).processors["default"]?.count === PAYMENT_COUNT);
    booked = await Promise.all(ids.map(chargedAs));
  });

  async function chargedAs(correlationId: string): Promise<Booked> {
    const response = await fetch(`${processors.default.url}/payments/${correlationId}`);
    const told = (await response.json()) as Booked;
    // The processors tell UTC without saying so.
    return { ...told, requestedAt: new Date(`${told.requestedAt}Z`).toISOString() };
  }

  async function post(url: string, payment: object): Promise<void> {
    const body = JSON.stringify(payment);
    const response = await fetch(`${url}/payments`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    await response.arrayBuffer();
    expect(response.ok, body).to.equal(true);
  }

  const charge = (role: Role, payment: Booked): Promise<void> => post(processors[role].url, payment);

  /** The processor loses its records and gets these instead. */
  async function rewriteDefault(payments: readonly Booked[]): Promise<void> {
    processors.default.charges.purge();
    for (const payment of payments) await charge("default", payment);
  }

  const run = (wish: AuditWish = {}): Promise<AuditResult> => audit({ service, processors: admins }, wish);

  async function found(wish: AuditWish = {}): Promise<string[]> {
    const { agrees, findings, isComplete } = await run(wish);
    expect(agrees).to.equal(findings.length === 0);
    expect(isComplete).to.equal(true);
    return findings.map(({ kind, processor, correlationId, cents }) => {
      const place = booked.findIndex((payment) => payment.correlationId === correlationId);
      return `${kind}, ${processor}, ${place}, ${cents}`;
    });
  }

  it("agrees while nothing is wrong, also payment by payment", async () => {
    const { agrees, service: counted, processors: charged } = await run();
    expect(agrees).to.equal(true);
    for (const totals of [counted, charged])
      expect(totals["default"]).to.include({ count: PAYMENT_COUNT, cents: 80_000n });
    expect(await found({ isFull: true })).to.deep.equal([]);
  });

  it("finds a charge that the service knows nothing of", async () => {
    await charge("fallback", { ...booked[0]!, correlationId: randomUUID(), amount: 7 });
    expect(await found()).to.deep.equal(["extra, fallback, -1, 700"]);
  });

  it("finds a payment that was charged nowhere", async () => {
    await rewriteDefault(booked.filter((_, i) => i !== 3 && i !== 9));
    const { findings, agrees } = await run();
    expect(agrees).to.equal(false);
    // One finding, if both were requested in the same millisecond.
    expect(new Set(findings.map(({ kind, processor }) => `${kind}, ${processor}`))).to.deep.equal(
      new Set(["missing, default"]),
    );
    expect(findings.reduce((sum, { cents }) => sum + cents, 0n)).to.equal(350n + 950n);
  });

  it("finds a payment charged at both processors", async () => {
    await charge("fallback", { ...booked[5]!, requestedAt: new Date(Date.now() - 1).toISOString() });
    expect(await found()).to.deep.equal(["double charge, fallback, 5, 550"]);
    const [finding] = (await run()).findings;
    expect(finding?.detail).to.equal(`also at default at ${booked[5]!.requestedAt}; the service counts default`);
  });

  it("finds a payment charged at the other processor", async () => {
    await rewriteDefault(booked.slice(1));
    await charge("fallback", booked[0]!);
    expect(await found()).to.deep.equal(["wrong processor, fallback, 0, 50"]);
  });

  it("finds another amount and another requestedAt", async () => {
    const earlier = new Date(Date.parse(booked[1]!.requestedAt) - 5000).toISOString();
    const changed = [
      { ...booked[0]!, amount: 0.51 },
      { ...booked[1]!, requestedAt: earlier },
    ];
    await rewriteDefault([...changed, ...booked.slice(2)]);
    expect((await found()).sort()).to.deep.equal(["amount, default, 0, 51", "requestedAt, default, 1, 150"]);
  });

  it("finds mistakes that make up for each other only when told to look at everything", async () => {
    // One is missing, another one like it is extra at the same moment.
    await rewriteDefault([{ ...booked[0]!, correlationId: randomUUID() }, ...booked.slice(1)]);
    expect((await run()).agrees).to.equal(true);
    expect(await found({ isFull: true })).to.deep.equal(["extra, default, -1, 50", "missing, default, -1, 50"]);
  });

  it("finds what the service has not counted, though it was charged", async () => {
    // Refused by nobody, charged by somebody else before the service came to it.
    const correlationId = randomUUID();
    // Long before: within a second of ours it could be our own charge, told in whole seconds.
    await charge("default", { correlationId, amount: 3, requestedAt: new Date(Date.now() - 60_000).toISOString() });
    await post(topology.url, { correlationId, amount: 3 });
    await until(async () => (await service.find(correlationId))?.state === "failed");
    expect(await found()).to.deep.equal(["not counted, default, -1, 300"]);
  });

  it("audits a window alone, and only one that is settled", async () => {
    const times = booked.map(({ requestedAt }) => Date.parse(requestedAt)).sort((a, b) => a - b);
    await charge("default", { ...booked[0]!, correlationId: randomUUID(), requestedAt: "2020-01-01T00:00:00.000Z" });
    expect((await run({ fromMs: times[0]! })).agrees).to.equal(true);
    expect((await run({ toMs: times[0]! - 1 })).agrees).to.equal(false);
    const future = await run({ toMs: Date.now() + 60_000 }).catch((error: Error) => error.message);
    expect(future).to.match(/^window must be settled: to=\S+ settledUntil=\S+$/);
    const backwards = await run({ fromMs: 2, toMs: 1 }).catch((error: Error) => error.message);
    expect(backwards).to.match(/^from must not be after to/);
  });

  it("names the milliseconds where a processor cannot list its payments", async () => {
    await charge("default", { ...booked[0]!, correlationId: randomUUID(), requestedAt: "2020-01-01T00:00:00.000Z" });
    const cannotList = new ProcessorAdmin(async (call) => {
      const isList = call.path.startsWith("/admin/payments?");
      return isList ? { status: 404, headers: new Map(), body: "" } : callers[1]!.ask(call);
    }, "123");
    const { findings } = await audit({ service, processors: { ...admins, default: cannotList } });
    expect(findings).to.have.length(1);
    expect(findings[0]).to.include({ kind: "differs", detail: "the service counts 0, the processor 1", cents: 50n });
    expect(findings[0]!.requestedAtMs).to.equal(Date.UTC(2020, 0, 1));
  });

  it("gives up after as many findings as it was asked for", async () => {
    await rewriteDefault([]);
    const { findings, isComplete, agrees } = await run({ findingCountMax: 2 });
    expect(findings.length).to.be.within(1, 2);
    expect({ isComplete, agrees }).to.deep.equal({ isComplete: false, agrees: false });
  });

  describe("command", () => {
    async function command(...args: string[]): Promise<{ code: number; output: string }> {
      const child = spawn(process.execPath, [MAIN, ...args]);
      let output = "";
      child.stdout.on("data", (chunk) => (output += chunk));
      child.stderr.on("data", (chunk) => (output += chunk));
      const [code] = (await once(child, "close")) as [number];
      return { code, output };
    }

    const parties = (): string[] => {
      return ["--url", topology.url, "--default", processors.default.url, "--fallback", processors.fallback.url];
    };

    it("exits with 0 when all agrees, and with 1 and a table when not", async () => {
      const agreeing = await command(...parties());
      expect(agreeing.code, agreeing.output).to.equal(0);
      expect(agreeing.output).to.match(/^default +40 +40 +0 +800\.00 +800\.00 +0\.00$/m);
      expect(agreeing.output).to.match(/^agrees$/m);
      const correlationId = randomUUID();
      await charge("default", { ...booked[0]!, correlationId });
      const differing = await command(...parties(), "--from", "2020-01-01T00:00:00Z");
      expect(differing.code).to.equal(1);
      expect(differing.output).to.match(/^default +40 +41 +1 +800\.00 +800\.50 +0\.50$/m);
      expect(differing.output).to.contain(`extra    default    ${correlationId}  ${booked[0]!.requestedAt}    0.50`);
      expect(differing.output).to.match(/^DIFFERS$/m);
    });

    it("tells programs the same", async () => {
      const { code, output } = await command(...parties(), "--json", "--from", "2020-01-01T00:00:00Z");
      const result = JSON.parse(output) as Record<string, unknown>;
      expect(result).to.include({ agrees: code === 0, isComplete: true });
      expect((result["processors"] as Record<string, object>)["default"]).to.deep.include({
        counted: { count: 40, cents: 80_000 },
      });
      expect(result["window"]).to.include({ from: "2020-01-01T00:00:00.000Z" });
      expect(result["findings"]).to.be.an("array");
    });

    it("exits with 2 when it could not audit", async () => {
      for (const args of [
        ["--token", "wrong"],
        ["--url", "http://127.0.0.1:1"],
        ["--from", "yesterday"],
        ["--to", "2999-01-01T00:00:00Z"],
        ["--max-findings", "none"],
        ["--ulr", "http://127.0.0.1:1"],
      ]) {
        const { code, output } = await command(...parties(), ...args);
        expect(code, args.join(" ")).to.equal(2);
        expect(output).to.match(/^could not audit: /);
      }
    });

    it("explains itself", async () => {
      const { code, output } = await command("--help");
      expect(code).to.equal(0);
      expect(output).to.contain("0 agrees, 1 differs, 2 could not audit");
    });
  });
});
