import { expect } from "chai";
import { chargesOf, newPayment, payMany, untilState, viewOf } from "./payments.ts";
import { Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

/** Far below what the instances send at once. */
const LIMITS = { inFlightCountMax: 4, queuedCountMax: 2 };

describe("the contest profile", () => {
  let service: Service;

  before(async () => {
    service = await Service.start({
      env: { PROFILE: "contest", LOG_LEVEL: "silent" },
      processors: { default: LIMITS },
    });
  });

  after(() => service?.stop());

  beforeEach(async () => {
    await service.heal();
    expect((await service.front.ask("POST", "/purge-payments")).status).to.equal(200);
    for (const processor of Object.values(service.processors)) processor.charges.purge();
  });

  it("waits for the default, however willing the fallback is", async () => {
    service.processors.default.settings.failing = true;
    const payments = Array.from({ length: 40 }, () => newPayment());
    await payMany(service.front, payments);
    await until("the default has been tried again and again", async () => {
      const views = await Promise.all(payments.map((payment) => viewOf(service.front, payment)));
      return views.flatMap(({ attempts }) => attempts).length >= 8;
    });
    expect(service.processors.fallback.charges.count).to.equal(0);
    service.processors.default.settings.failing = false;
    const views = await untilState(service.front, payments, "processed");
    expect(new Set(views.map(({ processor }) => processor))).to.deep.equal(new Set(["default"]));
    expect(service.processors.fallback.charges.count).to.equal(0);
  });

  it("gets every payment through a default that answers 429 to most", async () => {
    service.processors.default.settings.delayMs = 5;
    const payments = Array.from({ length: 300 }, () => newPayment());
    await payMany(service.front, payments);
    await untilProcessed(service, payments.length);
    expect(chargesOf(service.processors.default).size).to.equal(payments.length);
    expect(service.processors.fallback.charges.count).to.equal(0);
    const views = await Promise.all(payments.map((payment) => viewOf(service.front, payment)));
    expect(views.flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome))).to.include("overloaded");
  });

  it("empties both instances when it is told to, whoever is asked", async () => {
    for (const caller of [service.front, ...service.instances]) {
      const payments = Array.from({ length: 30 }, () => newPayment());
      await payMany(service.front, payments);
      await untilProcessed(service, payments.length);
      const { status, body } = await caller.ask("POST", "/purge-payments");
      expect(status).to.equal(200);
      expect(JSON.parse(body)).to.have.property("message");
      for (const instance of service.instances) {
        expect(countOf(await summaryOf(instance))).to.equal(0);
        for (const { correlationId } of payments) {
          expect((await instance.get(`/payments/${correlationId}`)).status).to.equal(404);
        }
      }
    }
  });

  it("forgets payments that are on their way when they are purged, and takes new ones", async () => {
    service.processors.default.settings.delayMs = 300;
    const payments = Array.from({ length: 30 }, () => newPayment());
    await payMany(service.front, payments);
    expect((await service.front.ask("POST", "/purge-payments")).status).to.equal(200);
    expect(countOf(await summaryOf(service.front))).to.equal(0);
    service.processors.default.settings.delayMs = 0;
    const others = Array.from({ length: 30 }, () => newPayment());
    await payMany(service.front, others);
    await untilProcessed(service, others.length);
    await until("what had been sent is answered", () => service.processors.default.limiter.inFlightCount === 0);
    expect(countOf(await summaryOf(service.front))).to.equal(others.length);
  });
});
