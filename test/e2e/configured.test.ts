import { expect } from "chai";
import { bodyOf, chargesOf, newPayment, newPaymentOf, pay, payMany, untilState } from "./payments.ts";
import { Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const CAPACITY = 40;
const ORIGIN = "https://shop.example";

describe("settings other than the defaults", () => {
  let service: Service;
  const output: string[] = [];

  before(async () => {
    service = await Service.start({
      env: {
        LOG_LEVEL: "silent",
        CAPACITY: String(CAPACITY),
        GIVE_UP_AFTER_MS: "1000",
        CORS_ORIGIN: ORIGIN,
        PURGE_ENABLED: "true",
      },
      hooks: {
        onLine(name, stream, line) {
          if (name.startsWith("instance-")) output.push(`${name} ${stream} ${line}`);
        },
      },
    });
  });

  beforeEach(async () => {
    await service.heal();
    expect((await service.front.ask("POST", "/purge-payments")).status).to.equal(200);
    for (const processor of Object.values(service.processors)) processor.charges.purge();
  });

  after(() => service?.stop());

  it("say how many payments are kept: a full instance refuses new ones, and only those", async () => {
    const kept = Array.from({ length: CAPACITY }, () => newPaymentOf(1));
    await payMany(service.front, kept);
    for (let i = 0; i < 5; i++) {
      const { status, headers, body } = await pay(service.front, newPaymentOf(1));
      expect(status).to.equal(503);
      expect(headers).to.include({ "retry-after": "1", "content-type": "application/problem+json" });
      expect(JSON.parse(body)).to.include({ status: 503, title: "Service Unavailable" });
    }
    expect((await pay(service.front, kept[0]!)).status).to.equal(200);
    expect((await pay(service.front, newPaymentOf(2))).status).to.equal(202);
    expect((await service.instances[0]!.get("/ready")).status).to.equal(503);
    expect((await service.instances[1]!.get("/ready")).status).to.equal(200);
    await untilProcessed(service, CAPACITY + 1);
    expect(service.processors.default.charges.count + service.processors.fallback.charges.count).to.equal(CAPACITY + 1);
  });

  it("say when a payment is given up: it is failed, stays visible, and is never charged any more", async () => {
    for (const { settings } of Object.values(service.processors)) settings.failing = true;
    const payments = Array.from({ length: 10 }, () => newPayment());
    await payMany(service.front, payments);
    const views = await untilState(service.front, payments, "failed");
    for (const { processedAt, processor, attempts } of views) {
      expect({ processedAt, processor }).to.deep.equal({ processedAt: null, processor: null });
      for (const { outcome } of attempts) expect(outcome).to.equal("failing");
    }
    expect(views.flatMap(({ attempts }) => attempts)).to.not.deep.equal([]);
    await service.heal();
    // Were a failed payment to be sent, it would be before a later one.
    const later = newPayment();
    await payMany(service.front, [later]);
    await untilState(service.front, [later], "processed");
    expect(countOf(await summaryOf(service.front))).to.equal(1);
    for (const processor of Object.values(service.processors)) {
      for (const { correlationId } of payments) expect(chargesOf(processor).has(correlationId)).to.equal(false);
    }
    expect((await pay(service.front, payments[0]!)).status).to.equal(200);
  });

  it("say which pages may read the answers", async () => {
    const payment = newPayment();
    const asks: [string, string, string?][] = [
      ["POST", "/payments", bodyOf(payment)],
      ["POST", "/payments", "{}"],
      ["GET", `/payments/${payment.correlationId}`],
      ["GET", "/payments-summary"],
      ["GET", "/payments-summary?from=x"],
      ["HEAD", "/health"],
      ["DELETE", "/payments"],
    ];
    for (const [method, path, body] of asks) {
      const { headers } = await service.front.ask(method, path, { headers: { origin: ORIGIN }, body: body ?? [] });
      expect(headers["access-control-allow-origin"], `${method} ${path}`).to.equal(ORIGIN);
    }
  });

  it("let a browser ask first", async () => {
    const headers = { origin: ORIGIN, "access-control-request-method": "POST" };
    for (const path of [
      "/payments",
      "/payments-summary",
      `/payments/${newPayment().correlationId}`,
      "/purge-payments",
    ]) {
      const answer = await service.front.ask("OPTIONS", path, { headers });
      expect(answer.status, path).to.equal(204);
      expect(answer.body).to.equal("");
      expect(answer.headers["access-control-allow-methods"]).to.equal(answer.headers["allow"]);
      expect(answer.headers["access-control-allow-headers"]).to.match(/content-type/i);
      expect(Number(answer.headers["access-control-max-age"])).to.be.above(0);
    }
  });

  it("silence the logs, whatever happens", async () => {
    service.processors.default.settings.failing = true;
    const payments = Array.from({ length: 20 }, () => newPayment());
    await payMany(service.front, payments);
    await untilProcessed(service, payments.length);
    await service.topology.restart("instance-2");
    await until("both instances are ready", async () => {
      const answers = await Promise.all(service.instances.map((caller) => caller.get("/ready")));
      return answers.every(({ status }) => status === 200);
    });
    expect(output).to.deep.equal([]);
  });
});
