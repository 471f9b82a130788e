import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Agent, request } from "undici";
import { type ProcessorOptions, type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";

describe("processor admin and health calls over HTTP", () => {
  let processor: RunningProcessor;
  let agent: Agent;

  async function start(options: Partial<ProcessorOptions> = {}): Promise<void> {
    processor = await startProcessor(options);
  }

  async function call(method: Method, path: string, body?: unknown, token: string | null = "123") {
    const startedMs = performance.now();
    const answer = await request(`${processor.url}${path}`, {
      dispatcher: agent,
      method,
      headers: { "content-type": "application/json", ...(token === null ? {} : { "x-rinha-token": token }) },
      body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
    });
    const text = await answer.body.text();
    const tookMs = performance.now() - startedMs;
    return { status: answer.statusCode, text, headers: answer.headers, tookMs };
  }

  async function pay(amount: number, requestedAt: string): Promise<string> {
    const correlationId = randomUUID();
    expect((await call("POST", "/payments", { correlationId, amount, requestedAt })).status).to.equal(200);
    return correlationId;
  }

  async function summary(query = "") {
    const { status, text } = await call("GET", `/admin/payments-summary${query}`);
    expect(status).to.equal(200);
    return JSON.parse(text);
  }

  beforeEach(() => {
    agent = new Agent();
  });

  afterEach(async () => {
    await agent.destroy();
    processor.close();
  });

  it("answers 401 to every admin call without the token or with another, and changes nothing", async () => {
    await start();
    await pay(1, "2025-07-15T12:00:00Z");
    const calls: [Method, string, unknown?][] = [
      ["GET", "/admin/payments-summary"],
      ["GET", "/admin/payments"],
      ["GET", "/admin/health-calls"],
      ["PUT", "/admin/configurations/token", { token: "x" }],
      ["PUT", "/admin/configurations/delay", { delay: 5 }],
      ["PUT", "/admin/configurations/failure", { failure: true }],
      ["PUT", "/admin/configurations/misbehaviour", { misbehaviour: { charge: "no" } }],
      ["DELETE", "/admin/configurations/misbehaviour"],
      ["POST", "/admin/purge-payments"],
    ];
    for (const [method, path, body] of calls) {
      for (const token of [null, "124", ""]) {
        expect((await call(method, path, body, token)).status, `${method} ${path}`).to.equal(401);
      }
    }
    expect(processor.settings).to.deep.equal({ delayMs: 0, failing: false, token: "123" });
    expect(processor.charges.count).to.equal(1);
    await pay(2, "2025-07-15T12:00:00Z");
    expect(processor.charges.count).to.equal(2);
  });

  it("sums an inclusive window, and everything when an end is missing", async () => {
    await start();
    for (const second of ["10", "20", "30"]) await pay(19.9, `2025-07-15T12:00:${second}.000Z`);
    const window = (from: string, to: string) => summary(`?from=2025-07-15T12:00:${from}Z&to=2025-07-15T12:00:${to}Z`);
    expect(await summary()).to.deep.equal({
      totalRequests: 3,
      totalAmount: 59.7,
      totalFee: 2.985,
      feePerTransaction: 0.05,
    });
    expect((await window("10.000", "30.000")).totalRequests).to.equal(3);
    expect((await window("10", "30")).totalRequests).to.equal(3);
    expect((await window("10.001", "30.000")).totalRequests).to.equal(2);
    expect((await window("10.000", "29.999")).totalRequests).to.equal(2);
    expect((await window("20.000", "20.000")).totalAmount).to.equal(19.9);
    expect((await window("30.000", "10.000")).totalRequests).to.equal(0);
    expect((await summary("?from=2025-07-15T12:00:20Z")).totalRequests).to.equal(3);
    expect((await summary("?to=2025-07-15T12:00:10Z")).totalRequests).to.equal(3);
    for (const query of ["?from=&to=", "?from=2025-07-15T12:00:20Z&to=", "?from=&to=2025-07-15T12:00:10Z"]) {
      expect((await summary(query)).totalRequests, query).to.equal(3);
    }
    expect((await summary("?from=2025-07-15T12%3A00%3A20.000Z&to=2026-01-01T00:00:00-03:00")).totalRequests).to.equal(
      2,
    );
  });

  it("prints sums and fees exactly, where a double would be off", async () => {
    await start({ fee: 0.15 });
    for (let i = 0; i < 3; i++) await pay(0.1, "2025-07-15T12:00:00Z");
    const { text } = await call("GET", "/admin/payments-summary");
    expect(text).to.equal('{"totalAmount":0.3,"totalRequests":3,"totalFee":0.045,"feePerTransaction":0.15}');
    for (let i = 0; i < 20; i++) await pay(9_999_999_999.99, "2025-07-15T12:00:00Z");
    const { text: larger } = await call("GET", "/admin/payments-summary");
    expect(larger).to.include('"totalAmount":200000000000.1,');
  });

  it("answers 400 to a bad timestamp, also to the one that would not be used", async () => {
    await start();
    for (const query of [
      "?from=x&to=2025-07-15T12:00:00Z",
      "?from=2025-07-15T12:00:00Z&to=2025-02-30T00:00:00Z",
      "?from=x",
      "?from=&to=x",
    ]) {
      for (const path of ["/admin/payments-summary", "/admin/payments"]) {
        expect((await call("GET", path + query)).status, path + query).to.equal(400);
      }
    }
  });

  it("lists the charges of a window in pages", async () => {
    await start();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await pay(i + 0.5, `2025-07-15T12:00:0${i}.000Z`));
    const list = async (query: string) => JSON.parse((await call("GET", `/admin/payments${query}`)).text);
    expect((await list("")).map((charge: { correlationId: string }) => charge.correlationId)).to.deep.equal(ids);
    const window = "?from=2025-07-15T12:00:01Z&to=2025-07-15T12:00:03Z";
    expect(await list(`${window}&limit=2`)).to.deep.equal([
      { correlationId: ids[1], amount: 1.5, requestedAt: "2025-07-15T12:00:01" },
      { correlationId: ids[2], amount: 2.5, requestedAt: "2025-07-15T12:00:02" },
    ]);
    expect(await list(`${window}&limit=2&offset=2`)).to.have.length(1);
    expect(await list(`${window}&offset=3`)).to.deep.equal([]);
    for (const query of ["?limit=0", "?limit=10001", "?limit=x", "?offset=-1", "?offset=1.5"]) {
      expect((await call("GET", `/admin/payments${query}`)).status, query).to.equal(400);
    }
  });

  it("changes token, delay and failure, and says what they were", async () => {
    await start();
    const delay = await call("PUT", "/admin/configurations/delay", { delay: 25 });
    expect([delay.status, JSON.parse(delay.text)]).to.deep.equal([200, { config: "delay", was: 0, is: 25 }]);
    const failure = await call("PUT", "/admin/configurations/failure", { failure: true });
    expect([failure.status, JSON.parse(failure.text)]).to.deep.equal([
      200,
      { config: "failure", was: false, is: true },
    ]);
    const health = await call("GET", "/payments/service-health");
    expect(JSON.parse(health.text)).to.deep.equal({ failing: true, minResponseTime: 25 });
    const token = await call("PUT", "/admin/configurations/token", { token: "secret" });
    expect([token.status, token.text]).to.deep.equal([204, ""]);
    expect((await call("GET", "/admin/payments-summary")).status).to.equal(401);
    expect((await call("GET", "/admin/payments-summary", undefined, "secret")).status).to.equal(200);
  });

  it("refuses settings that are not what they should be, and keeps the old ones", async () => {
    await start();
    const cases: [string, unknown][] = [
      ["delay", { delay: -1 }],
      ["delay", { delay: 1.5 }],
      ["delay", { delay: "5" }],
      ["delay", { delay: 2 ** 31 }],
      ["delay", {}],
      ["delay", "{"],
      ["failure", { failure: "true" }],
      ["failure", { failure: 1 }],
      ["failure", []],
      ["token", { token: "" }],
      ["token", { token: 5 }],
      ["token", ""],
    ];
    for (const [name, body] of cases) {
      const { status, text } = await call("PUT", `/admin/configurations/${name}`, body);
      expect(status, `${name} ${JSON.stringify(body)}`).to.equal(400);
      expect(JSON.parse(text).message).to.be.a("string");
    }
    expect(processor.settings).to.deep.equal({ delayMs: 0, failing: false, token: "123" });
  });

  it("demands JSON of the calls that change a setting, before it looks at the token", async () => {
    await start();
    const bodies = { token: "x", delay: 5, failure: true, misbehaviour: { charge: "no" } };
    for (const [name, value] of Object.entries(bodies)) {
      for (const type of [undefined, "text/plain", "application/x-www-form-urlencoded"]) {
        for (const token of ["123", "124"]) {
          const { statusCode, body } = await request(`${processor.url}/admin/configurations/${name}`, {
            dispatcher: agent,
            method: "PUT",
            headers: { ...(type === undefined ? {} : { "content-type": type }), "x-rinha-token": token },
            body: JSON.stringify({ [name]: value }),
          });
          await body.dump();
          expect(statusCode, `${name} ${type}`).to.equal(415);
        }
      }
    }
    expect(processor.settings).to.deep.equal({ delayMs: 0, failing: false, token: "123" });
    await pay(1, "2025-07-15T12:00:00Z");
    const options = { dispatcher: agent, method: "POST", headers: { "x-rinha-token": "123" } } as const;
    const purged = await request(`${processor.url}/admin/purge-payments`, options);
    expect([purged.statusCode, await purged.body.text()]).to.deep.equal([200, '{"message":"All payments purged."}']);
  });

  it("purges all payments, and takes them again", async () => {
    await start();
    const correlationId = await pay(5, "2025-07-15T12:00:00Z");
    const purged = await call("POST", "/admin/purge-payments");
    expect([purged.status, purged.text]).to.deep.equal([200, '{"message":"All payments purged."}']);
    const { text } = await call("GET", "/admin/payments-summary");
    expect(text).to.equal('{"totalAmount":0,"totalRequests":0,"totalFee":0,"feePerTransaction":0.05}');
    expect((await call("GET", `/payments/${correlationId}`)).status).to.equal(404);
    const again = { correlationId, amount: 5, requestedAt: "2025-07-15T12:00:00Z" };
    expect((await call("POST", "/payments", again)).status).to.equal(200);
  });

  it("holds the second and third health call for a window each, and refuses the fourth", async () => {
    // Longer than a busy machine takes for a call or two.
    const windowMs = 1500;
    await start({ healthWindowMs: windowMs });
    processor.settings.delayMs = 10_000;
    const first = await call("GET", "/payments/service-health");
    expect(first.status).to.equal(200);
    const second = call("GET", "/payments/service-health");
    const third = call("GET", "/payments/service-health");
    await sleep(30);
    const fourth = await call("GET", "/payments/service-health");
    expect([fourth.status, fourth.headers["retry-after"]]).to.deep.equal([429, "2"]);
    processor.settings.failing = true;
    const [held, heldLonger] = (await Promise.all([second, third])).sort((a, b) => a.tookMs - b.tookMs);
    // Read when the answer goes out, not when the call came.
    expect(JSON.parse(held!.text)).to.deep.equal({ failing: true, minResponseTime: 10_000 });
    expect(held!.tookMs).to.be.within(windowMs - 200, windowMs + 1000);
    expect(heldLonger!.status).to.equal(200);
    expect(heldLonger!.tookMs - held!.tookMs).to.be.within(windowMs - 50, windowMs + 1000);
  });

  it("frees the place of a held health call whose caller hangs up", async () => {
    await start({ healthWindowMs: 500 });
    await call("GET", "/payments/service-health");
    const hangUp = new AbortController();
    const url = `${processor.url}/payments/service-health`;
    const hung = request(url, { dispatcher: agent, signal: hangUp.signal }).catch((error: Error) => error.name);
    const kept = call("GET", "/payments/service-health");
    await sleep(30);
    hangUp.abort();
    expect(await hung).to.equal("AbortError");
    await sleep(30);
    const next = call("GET", "/payments/service-health");
    expect([(await kept).status, (await next).status]).to.deep.equal([200, 200]);
  });

  it("tells when the health calls arrived, the refused ones too", async () => {
    await start({ healthWindowMs: 50 });
    const beforeMs = performance.timeOrigin + performance.now();
    await Promise.all(Array.from({ length: 4 }, () => call("GET", "/payments/service-health")));
    const { count, arrivals } = JSON.parse((await call("GET", "/admin/health-calls")).text);
    expect(count).to.equal(4);
    expect(arrivals).to.have.length(4);
    expect(arrivals).to.deep.equal([...arrivals].sort((a: number, b: number) => a - b));
    expect(arrivals[0]).to.be.within(beforeMs - 1, performance.timeOrigin + performance.now());
  });
});
