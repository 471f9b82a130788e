import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Agent, request } from "undici";
import { type ProcessorOptions, type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";

const requestedAt = "2025-07-15T12:34:56.000Z";
const processed = '{"message":"payment processed successfully"}';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly tookMs: number;
}

/** A connection for one payment. */
class Caller {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<Caller> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Caller(socket);
  }

  async pay(): Promise<{ status: number; head: string; tookMs: number }> {
    const startedMs = performance.now();
    const body = JSON.stringify({ correlationId: randomUUID(), amount: 19.9, requestedAt });
    const head = "POST /payments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json";
    this.#socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const [answer] = (await once(this.#socket, "data")) as [Buffer];
    this.#socket.destroy();
    const text = answer.toString();
    return { status: Number(text.slice(9, 12)), head: text, tookMs: performance.now() - startedMs };
  }
}

describe("processor payments over HTTP", () => {
  let processor: RunningProcessor;
  let agent: Agent;

  async function start(options: Partial<ProcessorOptions> = {}): Promise<void> {
    processor = await startProcessor(options);
  }

  async function call(
    path: string,
    init: { method?: "GET" | "POST"; body?: string; signal?: AbortSignal; type?: string } = {},
  ): Promise<Answer> {
    const startedMs = performance.now();
    const { statusCode, body } = await request(`${processor.url}${path}`, {
      dispatcher: agent,
      method: init.method ?? "GET",
      headers: init.body === undefined ? {} : { "content-type": init.type ?? "application/json" },
      body: init.body ?? null,
      signal: init.signal ?? null,
    });
    const text = await body.text();
    return { status: statusCode, text, tookMs: performance.now() - startedMs };
  }

  function pay(correlationId: string, amount = 19.9, signal?: AbortSignal): Promise<Answer> {
    const body = JSON.stringify({ correlationId, amount, requestedAt });
    return call("/payments", signal === undefined ? { method: "POST", body } : { method: "POST", body, signal });
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 400 && !condition(); i++) await sleep(5);
    expect(condition()).to.equal(true);
  }

  beforeEach(() => {
    agent = new Agent();
  });

  afterEach(async () => {
    await agent.destroy();
    processor.close();
  });

  it("charges a payment and finds it again, whatever the letter case", async () => {
    await start();
    const id = randomUUID();
    const answer = await pay(id.toUpperCase(), 19.9);
    expect([answer.status, answer.text]).to.deep.equal([200, processed]);
    for (const path of [id, id.toUpperCase()]) {
      const found = await call(`/payments/${path}`);
      expect(found.status).to.equal(200);
      expect(JSON.parse(found.text)).to.deep.equal({
        correlationId: id,
        amount: 19.9,
        requestedAt: "2025-07-15T12:34:56",
      });
    }
  });

  it("answers 404 for a payment it has not charged, and 400 for what is no UUID", async () => {
    await start();
    expect((await call(`/payments/${randomUUID()}`)).status).to.equal(404);
    expect((await call("/payments/17")).status).to.equal(400);
    expect((await call("/elsewhere")).status).to.equal(404);
  });

  it("answers 422 to a correlationId it has charged, and keeps the first amount", async () => {
    await start();
    const id = randomUUID();
    await pay(id, 1);
    const again = await pay(id.toUpperCase(), 2);
    expect(again.status).to.equal(422);
    const { message } = JSON.parse(again.text);
    expect(message).to.include(`CorrelationId already exists: ${id}. Error details: Npgsql.PostgresException`);
    expect(message).to.include('23505: duplicate key value violates unique constraint "payments_pkey"\n\nDETAIL: ');
    expect(JSON.parse((await call(`/payments/${id}`)).text).amount).to.equal(1);
    expect(processor.charges.count).to.equal(1);
  });

  it("rounds half to even to cents", async () => {
    await start();
    const id = randomUUID();
    await pay(id, 1.005);
    expect((await call(`/payments/${id}`)).text).to.include('"amount":1,');
  });

  it("answers 400 to a body that does not bind and 415 to one not called JSON, even while failing", async () => {
    await start();
    processor.settings.delayMs = 1000;
    processor.settings.failing = true;
    const refused = await call("/payments", { method: "POST", body: '{"amount":1}' });
    expect([refused.status, JSON.parse(refused.text)]).to.deep.equal([
      400,
      { message: "correlationId must be a UUID: correlationId=missing" },
    ]);
    expect((await call("/payments", { method: "POST", body: "" })).status).to.equal(400);
    expect((await call("/payments", { method: "POST", body: "{}", type: "text/plain" })).status).to.equal(415);
    expect(refused.tookMs).to.be.lessThan(900);
    expect(processor.limiter.inFlightCount).to.equal(0);
  });

  it("takes a body that arrives in pieces, and refuses one over the limit", async () => {
    await start();
    const id = randomUUID();
    const body = JSON.stringify({ padding: "x".repeat(60_000), correlationId: id, amount: 1, requestedAt });
    const { port } = processor;
    const socket = connect(port, "127.0.0.1");
    socket.write(
      `POST /payments HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    for (let i = 0; i < body.length; i += 10_000) {
      socket.write(body.slice(i, i + 10_000));
      await sleep(2);
    }
    const [answer] = (await new Promise<Buffer[]>((resolve) => socket.once("data", (data) => resolve([data])))) as [
      Buffer,
    ];
    socket.destroy();
    expect(answer.toString()).to.match(/^HTTP\/1.1 200 OK/);
    expect(processor.charges.count).to.equal(1);
    const tooLarge = await call("/payments", { method: "POST", body: `"${"x".repeat(70_000)}"` }).catch(
      () => undefined,
    );
    // The answer may be lost when the connection closes under the body that is still being sent.
    if (tooLarge !== undefined) expect(tooLarge.status).to.equal(413);
    await until(() => processor.limiter.inFlightCount === 0);
  });

  it("sleeps the delay before it charges", async () => {
    await start();
    processor.settings.delayMs = 150;
    const paying = pay(randomUUID());
    await until(() => processor.limiter.inFlightCount === 1);
    expect(processor.charges.count).to.equal(0);
    const answer = await paying;
    expect([answer.status, processor.charges.count]).to.deep.equal([200, 1]);
    expect(answer.tookMs).to.be.greaterThan(149);
  });

  it("fails after the delay with an empty 500, and charges nothing", async () => {
    await start();
    processor.settings.delayMs = 100;
    processor.settings.failing = true;
    const answer = await pay(randomUUID());
    expect([answer.status, answer.text, processor.charges.count]).to.deep.equal([500, "", 0]);
    expect(answer.tookMs).to.be.greaterThan(99);
  });

  it("looks at the failure setting when the delay is over, not when the payment came", async () => {
    await start();
    processor.settings.delayMs = 100;
    const paying = pay(randomUUID());
    await until(() => processor.limiter.inFlightCount === 1);
    processor.settings.failing = true;
    expect((await paying).status).to.equal(500);
    const again = pay(randomUUID());
    await until(() => processor.limiter.inFlightCount === 1);
    processor.settings.failing = false;
    expect((await again).status).to.equal(200);
  });

  it("keeps the delay a payment began with, and lets later, quicker ones overtake it", async () => {
    await start();
    processor.settings.delayMs = 600;
    const slow = pay(randomUUID());
    await until(() => processor.limiter.inFlightCount === 1);
    processor.settings.delayMs = 10;
    expect((await pay(randomUUID())).tookMs).to.be.lessThan(500);
    processor.settings.delayMs = 0;
    expect((await slow).tookMs).to.be.greaterThan(599);
  });

  it("fails before it looks for a duplicate: a 500 says nothing about an earlier attempt", async () => {
    await start();
    const id = randomUUID();
    await pay(id);
    processor.settings.failing = true;
    expect((await pay(id)).status).to.equal(500);
    expect((await call(`/payments/${id}`)).status).to.equal(200);
  });

  it("charges a payment whose caller has hung up", async () => {
    await start();
    processor.settings.delayMs = 150;
    const id = randomUUID();
    const hangUp = new AbortController();
    const paying = pay(id, 1, hangUp.signal).catch((error: Error) => error.name);
    await until(() => processor.limiter.inFlightCount === 1);
    hangUp.abort();
    expect(await paying).to.equal("AbortError");
    expect((await call(`/payments/${id}`)).status).to.equal(404);
    await until(() => processor.charges.count === 1);
    expect(processor.limiter.inFlightCount).to.equal(0);
    expect((await call(`/payments/${id}`)).status).to.equal(200);
  });

  it("charges nothing for a caller who hangs up in the middle of the body, and frees its place", async () => {
    await start();
    const socket = connect(processor.port, "127.0.0.1");
    socket.write(
      'POST /payments HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 200\r\n\r\n{"corr',
    );
    await until(() => processor.limiter.inFlightCount === 1);
    socket.destroy();
    await until(() => processor.limiter.inFlightCount === 0);
    expect(processor.charges.count).to.equal(0);
  });

  it("takes 800 in flight and 500 queued, answers 429 at once to the rest, and charges exactly the 1300", async () => {
    await start();
    // All connections are there before the first request: a busy machine takes seconds to open so many.
    const callers = await Promise.all(Array.from({ length: 1320 }, () => Caller.connect(processor.port)));
    const delayMs = 5000;
    processor.settings.delayMs = delayMs;
    const answers = await Promise.all(callers.map((caller) => caller.pay()));
    const refused = answers.filter(({ status }) => status === 429);
    const charged = answers.filter(({ status }) => status === 200);
    expect([refused.length, charged.length, processor.charges.count]).to.deep.equal([20, 1300, 1300]);
    for (const answer of refused) {
      expect(answer.head).to.match(/^Retry-After: 5\r$/m);
      expect(answer.tookMs).to.be.lessThan(delayMs);
    }
    // The queued ones sleep a delay of their own once they have a place.
    expect(charged.filter(({ tookMs }) => tookMs >= 2 * delayMs).length).to.be.at.least(500);
    expect([processor.limiter.inFlightCount, processor.limiter.queuedCount]).to.deep.equal([0, 0]);
  }).timeout(60_000);

  it("starts queued payments in the order they came", async () => {
    await start({ inFlightCountMax: 1, queuedCountMax: 10 });
    processor.settings.delayMs = 20;
    const ids = Array.from({ length: 6 }, () => randomUUID());
    const paying: Promise<Answer>[] = [];
    for (const [index, id] of ids.entries()) {
      paying.push(pay(id));
      await until(
        () => processor.limiter.inFlightCount + processor.limiter.queuedCount + processor.charges.count > index,
      );
    }
    await Promise.all(paying);
    const charged = processor.charges.list({ fromUs: 0, toUs: Number.MAX_VALUE }, 0, 10);
    expect(charged.map(({ correlationId }) => correlationId)).to.deep.equal(ids);
  });

  it("lets look-ups wait in the same limiter, but neither delays nor fails them", async () => {
    await start({ inFlightCountMax: 1, queuedCountMax: 1 });
    const id = randomUUID();
    await pay(id);
    processor.settings.delayMs = 400;
    processor.settings.failing = true;
    expect((await call(`/payments/${id}`)).tookMs).to.be.lessThan(350);
    const paying = pay(randomUUID());
    await until(() => processor.limiter.inFlightCount === 1);
    const lookingUp = call(`/payments/${id}`);
    await until(() => processor.limiter.queuedCount === 1);
    expect((await call(`/payments/${id}`)).status).to.equal(429);
    expect((await lookingUp).status).to.equal(200);
    expect((await paying).status).to.equal(500);
  });

  for (const [queuedHangUp, chargedCount] of [
    ["charge", 2],
    ["drop", 1],
  ] as const) {
    it(`can be told what becomes of a queued payment whose caller hangs up: ${queuedHangUp}`, async () => {
      await start({ inFlightCountMax: 1, queuedCountMax: 10, queuedHangUp });
      processor.settings.delayMs = 50;
      const first = pay(randomUUID());
      await until(() => processor.limiter.inFlightCount === 1);
      const hangUp = new AbortController();
      const second = pay(randomUUID(), 1, hangUp.signal).catch(() => undefined);
      await until(() => processor.limiter.queuedCount === 1);
      hangUp.abort();
      await second;
      expect((await first).status).to.equal(200);
      await sleep(30);
      await until(() => processor.limiter.inFlightCount === 0);
      expect(processor.charges.count).to.equal(chargedCount);
    });
  }

  it("closes in the middle of everything without charging what still slept", async () => {
    await start({ inFlightCountMax: 2, queuedCountMax: 10 });
    processor.settings.delayMs = 50;
    const paying = Array.from({ length: 5 }, () => pay(randomUUID()).catch((error: Error) => error));
    await until(() => processor.limiter.queuedCount === 3);
    processor.close();
    const closed = processor;
    for (const outcome of await Promise.all(paying)) expect(outcome).to.be.instanceOf(Error);
    // However late the timers of this process are: what begins to sleep now wakes after what slept there.
    await start();
    processor.settings.delayMs = 50;
    for (let n = 0; n < 3; n++) expect((await pay(randomUUID())).status).to.equal(200);
    expect([processor.charges.count, closed.charges.count]).to.deep.equal([3, 0]);
  });
});
