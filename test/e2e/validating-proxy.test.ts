import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, createServer } from "node:net";
import { expect } from "chai";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";
import { Random } from "../support/random.ts";
import { type Answer, Caller } from "./caller.ts";
import { Service } from "./service.ts";
import { until } from "./until.ts";

const SEED = Number(process.env["TEST_SEED"] ?? 20250715);
const PAYMENT_COUNT = 200;
const PRISM = createRequire(import.meta.url).resolve("@stoplight/prism-cli/dist/index.js");

/** As Prism tells it in a header: what is not as described, and whether that is in the request or in the answer. */
type Violation = { location: string[]; message: string };

/**
 * Prism, a proxy that knows nothing of us but docs/openapi.yaml, between a client and the service. It says of each
 * request and of each answer whether they are as described: a second reader of the description beside our own.
 */
describe(`a proxy that validates by docs/openapi.yaml (TEST_SEED=${SEED})`, function () {
  this.timeout(60_000);
  const random = new Random(SEED);
  let service: Service;
  let prism: ChildProcess;
  let caller: Caller;

  before(async () => {
    service = await Service.start({ env: { PURGE_ENABLED: "true" } });
    const port = await freePort();
    const { host, port: front } = service.frontTarget;
    const args = ["proxy", "docs/openapi.yaml", `http://${host}:${front}`, "-h", "127.0.0.1", "-p", String(port)];
    prism = spawn(process.execPath, [PRISM, ...args], { cwd: REPOSITORY_ROOT, stdio: "ignore" });
    // It has headers of its own, which our description does not know.
    caller = new Caller({ host: "127.0.0.1", port }, 8, "other");
    await until("the proxy answers", async () => {
      return await caller.get("/health").then(
        ({ status }) => status === 200,
        () => false,
      );
    });
  });

  after(async () => {
    caller?.close();
    if (prism !== undefined && prism.exitCode === null) {
      prism.kill("SIGKILL");
      await once(prism, "exit");
    }
    await service?.stop();
  });

  function violationsOf({ headers }: Answer, where: "request" | "response"): Violation[] {
    const told = JSON.parse(String(headers["sl-violations"] ?? "[]")) as Violation[];
    return told.filter(({ location }) => location[0] === where);
  }

  /** Any payment: sound, or wrong in one or both of its members. */
  function anyPayment(): object {
    const id = randomUUID();
    const correlationId = random.pick([id, id, id, id.toUpperCase(), `${id}0`, id.slice(1), "", 1, null, undefined]);
    const amounts = [19.9, 0.01, 0.006, 1_000_000, 123.456, 1e-3, 0.005, 0, -1, 1_000_001, 1e300, "1", null, undefined];
    const extra = random.chance(0.2) ? { note: "x" } : {};
    return { correlationId, amount: random.pick(amounts), ...extra };
  }

  it("finds wrong exactly those payments that the service refuses, and every answer as described", async () => {
    const wrong: string[] = [];
    const counts = new Map<number, number>();
    for (let i = 0; i < PAYMENT_COUNT; i++) {
      const body = JSON.stringify(anyPayment());
      const headers = { "content-type": "application/json" };
      const answer = await caller.ask("POST", "/payments", { headers, body });
      counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
      const isRefused = answer.status === 400;
      if (violationsOf(answer, "request").length > 0 !== isRefused || violationsOf(answer, "response").length > 0)
        wrong.push(`${body}\n  ${JSON.stringify(answer)}`);
    }
    expect(wrong.slice(0, 3).join("\n")).to.equal("");
    expect([...counts.keys()].sort()).to.deep.equal([202, 400]);
    for (const count of counts.values()) expect(count).to.be.above(PAYMENT_COUNT / 20);
  });

  it("finds answers of all kinds as described", async () => {
    const correlationId = randomUUID();
    const body = JSON.stringify({ correlationId, amount: 19.9 });
    const asked = { headers: { "content-type": "application/json" }, body };
    const calls: readonly (readonly [method: string, path: string, status: number])[] = [
      ["POST", "/payments", 202],
      ["POST", "/payments", 200],
      ["GET", `/payments/${correlationId}`, 200],
      ["GET", "/payments/x", 404],
      ["GET", "/payments-summary", 200],
      ["GET", "/payments-summary?from=2025-07-15", 200],
      ["GET", "/payments-summary?from=x", 400],
      ["GET", "/health", 200],
      ["GET", "/ready", 200],
      ["GET", "/openapi.json", 200],
      ["POST", "/purge-payments", 200],
    ];
    for (const [method, path, status] of calls) {
      const answer = await caller.ask(method, path, path === "/payments" ? asked : {});
      const told = `${method} ${path} ${JSON.stringify(answer)}`;
      expect(answer.status, told).to.equal(status);
      expect(violationsOf(answer, "response"), told).to.deep.equal([]);
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
