import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Agent, request } from "undici";
import { type ProcessorOptions, type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";

const REQUESTED_AT = "2025-07-15T12:34:56.789Z";

type Answer = { status: number; text: string; headers: Record<string, string | string[] | undefined> };

describe("processor misbehaviour that HTTP can express", () => {
  let processor: RunningProcessor;
  let agent: Agent;

  async function start(options: Partial<ProcessorOptions> = {}): Promise<void> {
    processor = await startProcessor(options);
  }

  async function call(method: "GET" | "POST" | "PUT" | "DELETE", path: string, body?: unknown): Promise<Answer> {
    const headers = { "content-type": "application/json", "x-rinha-token": "123" };
    const answer = await request(`${processor.url}${path}`, {
      dispatcher: agent,
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers };
  }

  function pay(correlationId: string = randomUUID()): Promise<Answer> {
    return call("POST", "/payments", { correlationId, amount: 19.9, requestedAt: REQUESTED_AT });
  }

  async function statusesOf(count: number): Promise<number[]> {
    const statuses: number[] = [];
    for (let i = 0; i < count; i++) statuses.push((await pay()).status);
    return statuses;
  }

  beforeEach(() => {
    agent = new Agent();
  });

  afterEach(async () => {
    await agent.destroy();
    processor.close();
  });

  it("is set and taken back by admin calls, which tell what was before", async () => {
    await start();
    const misbehaviour = { charge: "no", answer: { status: 409 } };
    const path = "/admin/configurations/misbehaviour";
    const set = await call("PUT", path, { misbehaviour });
    const config = "misbehaviour";
    expect([set.status, JSON.parse(set.text)]).to.deep.equal([200, { config, was: [], is: misbehaviour }]);
    expect((await pay()).status).to.equal(409);
    const other = [{ charge: "no", answer: { status: 503 } }];
    expect(JSON.parse((await call("PUT", path, { misbehaviour: other })).text).was).to.deep.equal(misbehaviour);
    expect((await pay()).status).to.equal(503);
    expect((await call("DELETE", path)).status).to.equal(204);
    expect((await pay()).status).to.equal(200);
  });

  it("is refused with the rule it breaks, and leaves what was there", async () => {
    await start();
    processor.misbehave({ charge: "no", answer: { status: 409 } });
    const answer = (wrong: object): object => ({ charge: "no", answer: wrong });
    const cases: [misbehaviour: unknown, rule: RegExp][] = [
      [undefined, /^misbehaviour must be an object: misbehaviour=missing/],
      ["409", /^misbehaviour must be an object: misbehaviour="409"/],
      [{}, /^charge must be said of payments: call="payment"/],
      [{ call: "lookup", charge: "no" }, /^charge must be said of payments only: call="lookup"/],
      [{ charge: "maybe" }, /^charge must be one of yes, no, late: charge="maybe"/],
      [{ charge: "no", wen: {} }, /^fields must be known: field="wen"/],
      [{ charge: "no", when: { every: 0 } }, /^every must be a whole number from 1 to 1000000000: every=0/],
      [{ charge: "no", when: { share: 1.1 } }, /^share must be a number from 0 to 1: share=1.1/],
      [{ charge: "no", when: { found: true } }, /^found must be said of look-ups only: call="payment"/],
      [{ charge: "yes", insertMs: -1 }, /^insertMs must be a whole number from 0 to 600000: insertMs=-1/],
      [answer({ status: 99 }), /^status must be a whole number from 200 to 999: status=99/],
      [answer({ status: 200, headers: { "a b": "c" } }), /^headers must be names with a value or several/],
      [answer({ status: 200, headers: { a: "b\r\nc" } }), /^headers must be names with a value or several/],
      [answer({ body: "x" }), /^body must have a status: status=missing/],
      [answer({ raw: "AA", end: "close" }), /^raw must be base64: raw="AA"/],
      [answer({ status: 200, raw: "AAAA" }), /^raw must stand alone: status=200/],
      [answer({ raw: "AAAA" }), /^raw, byteMs, reset and requestOfConnection need a processor started with --front/],
      [answer({ status: 200, byteMs: 1 }), /need a processor started with --front/],
      [answer({ end: "reset" }), /need a processor started with --front/],
      [{ charge: "no", when: { requestOfConnection: 2 } }, /need a processor started with --front/],
      [Array.from({ length: 17 }, () => ({ charge: "no" })), /^misbehaviours must be at most 16: count=17/],
    ];
    for (const [misbehaviour, rule] of cases) {
      const { status, text } = await call("PUT", "/admin/configurations/misbehaviour", { misbehaviour });
      expect(status, JSON.stringify(misbehaviour)).to.equal(400);
      expect(JSON.parse(text).message).to.match(rule);
    }
    expect(() => processor.misbehave({ charge: "no", answer: { end: "reset" } })).to.throw("--front");
    expect((await pay()).status).to.equal(409);
  });

  it("answers an exception after the charge, before it, or instead of it", async () => {
    await start();
    const body = JSON.stringify({
      message: "Npgsql.NpgsqlException (0x80004005): Exception while reading from stream",
    });
    for (const [charge, chargedCount] of [
      ["yes", 1],
      ["no", 1],
    ] as const) {
      processor.misbehave({ charge, answer: { status: 500, headers: { "Content-Type": "application/json" }, body } });
      const { status, text, headers } = await pay();
      expect([status, text, processor.charges.count]).to.deep.equal([500, body, chargedCount]);
      expect(headers["content-type"]).to.equal("application/json");
    }
  });

  it("answers with any status and headers, several of one name too", async () => {
    await start();
    for (const status of [201, 202, 300, 301, 302, 303, 307, 308, 400, 408, 409, 418, 502, 503, 504, 799]) {
      const headers = { Location: "http://127.0.0.1:1/payments", "X-Two": ["1", "2"] };
      processor.misbehave({ charge: "no", answer: { status, headers, end: "close" } });
      const answer = await pay();
      expect(answer.status).to.equal(status);
      expect(answer.headers).to.deep.include({ location: headers.Location, "x-two": ["1", "2"], connection: "close" });
    }
    expect(processor.charges.count).to.equal(0);
  });

  it("says what it always says, and charges nothing", async () => {
    await start();
    processor.misbehave({ charge: "no" });
    expect(await statusesOf(2)).to.deep.equal([200, 200]);
    expect(processor.charges.count).to.equal(0);
  });

  it("comes after the failing switch and the delay, which are as ever", async () => {
    await start();
    processor.misbehave({ charge: "yes", answer: { status: 409 } });
    Object.assign(processor.settings, { failing: true, delayMs: 100 });
    const failed = await pay();
    expect([failed.status, failed.text, processor.charges.count]).to.deep.equal([500, "", 0]);
    processor.settings.failing = false;
    const startedMs = performance.now();
    expect((await pay()).status).to.equal(409);
    expect(performance.now() - startedMs).to.be.greaterThan(99);
    expect(processor.charges.count).to.equal(1);
  });

  it("takes its turn: the first few, one in so many, a share by seed, the first of a list that fits", async () => {
    await start();
    const answer = { status: 409 } as const;
    processor.misbehave({ charge: "no", when: { first: 3 }, answer });
    expect(await statusesOf(6)).to.deep.equal([409, 409, 409, 200, 200, 200]);
    processor.misbehave({ charge: "no", when: { every: 3 }, answer });
    expect(await statusesOf(6)).to.deep.equal([200, 200, 409, 200, 200, 409]);
    processor.misbehave({ charge: "no", when: { every: 2, first: 4 }, answer });
    expect(await statusesOf(8)).to.deep.equal([200, 409, 200, 409, 200, 200, 200, 200]);
    processor.misbehave({ charge: "no", when: { share: 0 }, answer });
    expect(await statusesOf(3)).to.deep.equal([200, 200, 200]);
    const drawn: number[][] = [];
    for (const seed of [7, 7, 8]) {
      processor.misbehave({ charge: "no", when: { share: 0.5, seed }, answer });
      drawn.push(await statusesOf(40));
    }
    expect(drawn[1]).to.deep.equal(drawn[0]);
    expect(drawn[2]).to.not.deep.equal(drawn[0]);
    expect(drawn[0]!.filter((status) => status === 409).length).to.be.within(10, 30);
    const other = { charge: "no", answer: { status: 503 } } as const;
    processor.misbehave({ charge: "no", when: { first: 1 }, answer }, { ...other, when: { first: 1 } });
    expect(await statusesOf(3)).to.deep.equal([409, 503, 200]);
  });

  it("never answers, or hangs up, after charging or without", async () => {
    await start();
    for (const [charge, end, chargedCount] of [
      ["yes", "keep", 1],
      ["no", "keep", 1],
      ["yes", "close", 2],
      ["no", "close", 2],
    ] as const) {
      processor.misbehave({ charge, answer: { end } });
      const outcome = await Promise.race([
        pay().then(
          () => "answered",
          () => "broken off",
        ),
        sleep(150, "silent"),
      ]);
      expect(outcome, `${charge} ${end}`).to.equal(end === "keep" ? "silent" : "broken off");
      expect(processor.charges.count).to.equal(chargedCount);
      expect(processor.limiter.inFlightCount).to.equal(0);
    }
  });

  it("charges late: when it has answered already", async () => {
    await start();
    processor.misbehave({ charge: "late", insertMs: 200, answer: { status: 504 } });
    const id = randomUUID();
    const startedMs = performance.now();
    expect((await pay(id)).status).to.equal(504);
    expect((await call("GET", `/payments/${id}`)).status).to.equal(404);
    expect(processor.limiter.inFlightCount).to.equal(1);
    for (let i = 0; i < 400 && processor.limiter.inFlightCount > 0; i++) await sleep(5);
    expect(performance.now() - startedMs).to.be.greaterThan(199);
    expect((await call("GET", `/payments/${id}`)).status).to.equal(200);
  });

  it("runs out of connections to the database: who waits in vain gets an exception and no charge", async () => {
    await start({ connectionCountMax: 2, connectionWaitMsMax: 150 });
    processor.misbehave({ charge: "yes", insertMs: 400 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => pay()));
    const exhausted = answers.filter(({ status }) => status === 500);
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 200, 500, 500, 500]);
    for (const { text } of exhausted) {
      const { message } = JSON.parse(text) as { message: string };
      expect(message).to.include("The connection pool has been exhausted, either raise 'Max Pool Size' (currently 2)");
    }
    expect([processor.charges.count, processor.limiter.inFlightCount]).to.deep.equal([2, 0]);
    expect((await pay()).status).to.equal(200);
  });

  it("answers look-ups: with less than it knows, or as if it had not charged", async () => {
    await start();
    const id = randomUUID();
    await pay(id);
    const body =
      '{"correlationId":"{{correlationId}}","amount":"{{amount}}","requestedAt":"{{requestedAtSeconds}}",' +
      '"at":"{{requestedAt}}","{{what}}":1}';
    processor.misbehave({ call: "lookup", when: { found: true }, answer: { status: 200, body } });
    expect(JSON.parse((await call("GET", `/payments/${id}`)).text)).to.deep.equal({
      correlationId: id,
      amount: "19.9",
      requestedAt: "2025-07-15T12:34:56",
      at: "2025-07-15T12:34:56.789",
      "{{what}}": 1,
    });
    expect((await call("GET", `/payments/${randomUUID()}`)).status).to.equal(404);
    processor.misbehave({ call: "lookup", when: { found: true, first: 1 }, answer: { status: 404 } });
    expect((await call("GET", `/payments/${randomUUID()}`)).status).to.equal(404);
    expect((await call("GET", `/payments/${id}`)).status).to.equal(404);
    expect((await call("GET", `/payments/${id}`)).status).to.equal(200);
    processor.misbehave({ call: "lookup", when: { found: false }, answer: { status: 503 } });
    expect((await call("GET", `/payments/${randomUUID()}`)).status).to.equal(503);
    expect((await call("GET", `/payments/${id}`)).status).to.equal(200);
    expect((await pay()).status).to.equal(200);
  });

  it("answers health calls, held ones too", async () => {
    await start({ healthWindowMs: 100 });
    processor.misbehave({ call: "health", when: { first: 2 }, answer: { status: 200, body: "<html>" } });
    const first = await call("GET", "/payments/service-health");
    const held = await call("GET", "/payments/service-health");
    expect([first.text, held.text]).to.deep.equal(["<html>", "<html>"]);
    expect(JSON.parse((await call("GET", "/payments/service-health")).text)).to.include({ failing: false });
  });

  it("is silent to a health call or a look-up without harm when the caller goes", async () => {
    await start();
    processor.misbehave({ call: "health", answer: {} }, { call: "lookup", answer: {} });
    for (const path of ["/payments/service-health", `/payments/${randomUUID()}`]) {
      const options = { dispatcher: agent, headersTimeout: 100 };
      const outcome = await request(`${processor.url}${path}`, options).catch((error: Error) => error.name);
      expect(outcome).to.equal("HeadersTimeoutError");
    }
    expect((await pay()).status).to.equal(200);
  });

  it("charges a caller who has hung up, and gives his place on", async () => {
    await start();
    processor.settings.delayMs = 100;
    processor.misbehave({ charge: "yes", insertMs: 50, answer: { status: 500, body: "x" } });
    const hangUp = new AbortController();
    const paying = request(`${processor.url}/payments`, {
      dispatcher: agent,
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ correlationId: randomUUID(), amount: 1, requestedAt: REQUESTED_AT }),
      signal: hangUp.signal,
    }).catch((error: Error) => error.name);
    for (let i = 0; i < 400 && processor.limiter.inFlightCount === 0; i++) await sleep(5);
    hangUp.abort();
    expect(await paying).to.equal("AbortError");
    for (let i = 0; i < 400 && processor.limiter.inFlightCount > 0; i++) await sleep(5);
    expect([processor.charges.count, processor.limiter.inFlightCount]).to.deep.equal([1, 0]);
  });
});
