import { randomUUID } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { expect } from "chai";
import { apiDescription, METHODS, type Operation } from "../support/api-description.ts";
import type { Ask } from "./caller.ts";
import { DescribedApi, type WitnessingCaller } from "./described-api.ts";
import { until } from "./until.ts";

const JSON_TYPE = { "content-type": "application/json" };
const STRANGER = { ...JSON_TYPE, origin: "http://elsewhere.test" };

/** Described, and not made by this test: why. */
const NOT_MADE: Readonly<Record<string, string>> = Object.fromEntries(
  ["GET", "HEAD"].flatMap((method) =>
    ["200", "503"].map((status) => [
      `${method} /metrics/{instance} ${status}`,
      "the balancer has it only with docker/nginx/metrics.conf: test/e2e/metrics.test.ts asks for it",
    ]),
  ),
);

const json = (value: unknown, headers: Record<string, string> = JSON_TYPE): Ask => ({
  headers,
  body: JSON.stringify(value),
});
const newBody = (correlationId = randomUUID() as string, amount: unknown = 19.9): object => ({ correlationId, amount });

describe("answers that docs/openapi.yaml describes", () => {
  let api: DescribedApi;

  before(async () => {
    api = await DescribedApi.start();
  });

  after(() => api?.stop());

  /** Each as [method, path, expected status, what is sent]. */
  type Step = readonly [method: string, path: string, status: number, asked?: Ask];

  async function expectStatuses(caller: WitnessingCaller, steps: readonly Step[]): Promise<void> {
    for (const [method, path, status, asked] of steps) {
      const answer = await caller.ask(method, path, asked);
      expect(answer.status, `${method} ${path} ${answer.body}`).to.equal(status);
    }
  }

  it("to payments, summaries and purges", async () => {
    const id = randomUUID();
    await expectStatuses(api.well, [
      ["POST", "/payments", 202, json(newBody(id))],
      ["POST", "/payments", 200, json(newBody(id))],
      ["POST", "/payments", 409, json(newBody(id, 20))],
      ["POST", "/payments", 400, json(newBody(id, "20"))],
      ["POST", "/payments", 403, json(newBody(), STRANGER)],
      ["POST", "/payments", 413, { body: " ".repeat(9000) }],
      ["GET", `/payments/${id}`, 200],
      ["HEAD", `/payments/${id}`, 200],
      ["GET", "/payments/x", 404],
      ["HEAD", "/payments/x", 404],
      ["GET", "/payments-summary?from=2025-07-15", 200],
      ["HEAD", "/payments-summary", 200],
      ["GET", "/payments-summary?from=x", 400],
      ["HEAD", "/payments-summary?to=x", 400],
      ["POST", "/purge-payments", 403, { headers: STRANGER }],
      ["POST", "/purge-payments", 200],
    ]);
    expect((await api.small.ask("POST", "/purge-payments")).status).to.equal(403);
  });

  it("while a part of the service is out of reach", async () => {
    const untilUnreached = (method: string): Promise<void> =>
      until("a lookup meets the partition that nobody has", async () => {
        return (await api.half.ask(method, `/payments/${randomUUID()}`)).status === 503;
      });
    // Each waits for the partition in vain.
    await Promise.all([
      untilUnreached("GET"),
      untilUnreached("HEAD"),
      expectStatuses(api.half, [["GET", "/payments-summary", 503]]),
      expectStatuses(api.half, [["HEAD", "/payments-summary", 503]]),
      expectStatuses(api.half, [["POST", "/purge-payments", 503]]),
    ]);
  });

  it("of what the service says of itself, and of its page", async () => {
    for (const method of ["GET", "HEAD"]) {
      await expectStatuses(api.well, [
        [method, "/health", 200],
        [method, "/ready", 200],
        [method, "/openapi.json", 200],
        [method, "/metrics", 200],
        [method, "/doubts", 200],
        [method, "/doubts?limit=x", 400],
      ]);
      for (const path of ["/", "/assets/page.css"]) {
        const { headers } = await api.well.ask(method, path);
        const etag = String(headers.etag);
        await expectStatuses(api.well, [[method, path, 304, { headers: { "if-none-match": etag } }]]);
      }
    }
    expect(await api.well.openLive()).to.equal(101);
    expect(await api.well.openLive({ origin: "http://elsewhere.test" })).to.equal(403);
    expect(JSON.parse((await api.well.ask("GET", "/openapi.json")).body)).to.deep.equal(apiDescription().document);
  });

  it("of switches", async () => {
    const path = "/simulation/processors/default";
    await expectStatuses(api.well, [
      ["GET", "/log-level", 200],
      ["PUT", "/log-level", 200, json({ level: "silent" })],
      ["PUT", "/log-level", 400, json({ level: "loud" })],
      ["PUT", "/log-level", 413, { body: " ".repeat(2000) }],
      ["PUT", path, 200, json({ delayMs: 0 })],
      ["PUT", path, 400, json({})],
      ["PUT", path, 403, json({ delayMs: 0 }, STRANGER)],
      ["PUT", "/simulation/processors/third", 404, json({ delayMs: 0 })],
      ["PUT", path, 413, { headers: JSON_TYPE, body: " ".repeat(300) }],
      ["PUT", path, 415, json({ delayMs: 0 }, {})],
      ["PUT", "/simulation/processors/fallback", 502, json({ delayMs: 0 })],
    ]);
  });

  it("to an operator's word", async () => {
    const word = json({ word: "failed" });
    // Whether it charged, it never says: so the doubt stays.
    const vague = { call: "lookup", answer: { status: 200, body: "see the other window" } } as const;
    api.processor.misbehave({ charge: "no", answer: { status: 409 } }, vague);
    const id = randomUUID();
    const path = `/doubts/${id}`;
    await expectStatuses(api.well, [["POST", "/payments", 202, json(newBody(id))]]);
    await until("the payment is in doubt", async () => {
      const { body } = await api.well.ask("GET", `/payments/${id}`);
      return JSON.parse(body).state === "in doubt";
    });
    await until("the word is taken", async () => (await api.well.ask("POST", path, word)).status === 200);
    await expectStatuses(api.well, [
      ["POST", path, 409, json({ word: "charged" })],
      ["POST", path, 400, json({ word: "perhaps" })],
      ["POST", path, 403, json({ word: "failed" }, STRANGER)],
      ["POST", `/doubts/${randomUUID()}`, 404, word],
      ["POST", path, 413, { headers: JSON_TYPE, body: " ".repeat(300) }],
      ["POST", path, 415, json({ word: "failed" }, {})],
    ]);
  });

  it("of an instance that cannot write, and is full", async () => {
    const id = randomUUID();
    await expectStatuses(api.small, [["POST", "/payments", 202, json(newBody(id))]]);
    await until("it is being sent", async () => {
      return JSON.parse((await api.small.ask("GET", `/payments/${id}`)).body).state === "sending";
    });
    writeFileSync(api.full, "");
    await until("something has happened that is not written", async () => {
      return (await api.small.ask("GET", "/doubts")).status === 503;
    });
    await expectStatuses(api.small, [
      ["HEAD", "/doubts", 503],
      ["POST", `/doubts/${id}`, 503, json({ word: "failed" })],
    ]);
    rmSync(api.full);
    await until("there is room again", async () => (await api.small.ask("GET", "/doubts")).status === 200);
    await expectStatuses(api.small, [
      ["POST", "/payments", 503, json(newBody())],
      ["GET", "/ready", 503],
      ["HEAD", "/ready", 503],
    ]);
  });

  it("of the balancer, while no instance is there", async () => {
    const { paths } = apiDescription().document;
    for (const [template, item] of Object.entries(paths)) {
      const path = template.replace("{id}", randomUUID()).replace("{path}", "page.css").replace("{name}", "default");
      for (const method of METHODS.filter((name) => name in item)) {
        const isPosted = method === "post" || method === "put";
        const asked = isPosted ? json(newBody()) : {};
        const isMade = !(`${method.toUpperCase()} ${template} 503` in NOT_MADE);
        if (isMade && "503" in (item[method] as Operation).responses && !("servers" in item))
          await expectStatuses(api.balancer, [[method.toUpperCase(), path, 503, asked]]);
      }
    }
    expect(await api.balancer.openLive()).to.equal(503);
  });

  it("to methods that are not there, and to every OPTIONS", async () => {
    const { paths } = apiDescription().document;
    for (const [template, item] of Object.entries(paths)) {
      if (template === "/live" || template === "/metrics/{instance}") continue;
      const path = template.replace("{id}", randomUUID()).replace("{path}", "page.css").replace("{name}", "default");
      await expectStatuses(api.well, [["PATCH", path, 405]]);
      if ("options" in item) await expectStatuses(api.well, [["OPTIONS", path, 204]]);
    }
    await expectStatuses(api.well, [["GET", "/nowhere", 404]]);
    await expectStatuses(api.balancer, [["GET", "/metrics", 404]]);
  });

  it("are all of them, but for what is listed with its reason", () => {
    const described = Object.entries(apiDescription().document.paths).flatMap(([template, item]) =>
      METHODS.filter((method) => method in item).flatMap((method) =>
        Object.keys((item[method] as Operation).responses)
          // What is refused has no operation that would be described: seen above, path by path.
          .filter((key) => key !== "default")
          .map((key) => `${method.toUpperCase()} ${template} ${key}`),
      ),
    );
    expect(described).to.have.length.above(60);
    const missing = described.filter((one) => !api.seen.has(one) && !(one in NOT_MADE));
    expect(missing).to.deep.equal([]);
    expect(Object.keys(NOT_MADE).filter((one) => api.seen.has(one))).to.deep.equal([]);
  });
});
