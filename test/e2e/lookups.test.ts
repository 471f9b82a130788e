import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { expect } from "chai";
import { socketNames } from "../../perf/launch/plans.ts";
import type { PaymentView } from "../../server/page/payment-view.ts";
import { type Answer, Caller } from "./caller.ts";
import { bodyOf, instanceOf, newPaymentOf, type Payment, pay, payMany, untilState } from "./payments.ts";
import { Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

describe("payments and the other instance", () => {
  let service: Service;
  let payments: Payment[];
  let views: PaymentView[];

  before(async () => {
    service = await Service.start();
    payments = Array.from({ length: 20 }, (_, i) => newPaymentOf(1 + (i % 2), 100 + i));
    await payMany(service.front, payments);
    views = await untilState(service.front, payments, "processed");
  });

  after(() => service?.stop());

  function expectUnavailable({ status, headers, body }: Answer): void {
    expect(status).to.equal(503);
    expect(headers).to.include({ "retry-after": "1", "content-type": "application/problem+json" });
    expect(JSON.parse(body)).to.include({ status: 503, title: "Service Unavailable" });
  }

  function others({ correlationId, cents }: Payment): Caller {
    return service.instances[2 - instanceOf({ correlationId, cents })]!;
  }

  it("are found by correlationId at the instance that does not own them, in either case", async () => {
    for (const [i, payment] of payments.entries()) {
      for (const id of [payment.correlationId, payment.correlationId.toUpperCase()]) {
        const { status, body } = await others(payment).get(`/payments/${id}`);
        expect(status).to.equal(200);
        expect(JSON.parse(body)).to.deep.equal(views[i]);
      }
    }
  });

  it("are found by payment id at either instance", async () => {
    for (const view of views) {
      for (const caller of [service.front, ...service.instances]) {
        const { status, body } = await caller.get(`/payments/${view.id}`);
        expect(status).to.equal(200);
        expect(JSON.parse(body)).to.deep.equal(view);
      }
    }
  });

  it("that nobody knows are 404 at either instance", async () => {
    const guesses = views.map(
      ({ id }) => id.slice(0, -1) + ((Number.parseInt(id.slice(-1), 16) + 1) % 16).toString(16),
    );
    for (const id of [randomUUID(), randomUUID(), ...guesses, "x"]) {
      for (const caller of [service.front, ...service.instances]) {
        const { status, headers, body } = await caller.get(`/payments/${id}`);
        expect(status).to.equal(404);
        expect(headers["content-type"]).to.equal("application/problem+json");
        expect(JSON.parse(body)).to.include({ status: 404 }).and.not.have.property("field");
      }
    }
  });

  it("sent to the wrong instance are accepted by the right one", async () => {
    for (const instance of [1, 2]) {
      const payment = newPaymentOf(instance);
      const { status, headers, body } = await pay(others(payment), payment);
      expect({ status, body }).to.deep.equal({ status: 202, body: "" });
      expect(headers["location"]).to.equal(`/payments/${payment.correlationId}`);
      expect((await pay(service.front, payment)).status).to.equal(200);
      expect((await pay(others(payment), { ...payment, cents: 1 })).status).to.equal(409);
      payments.push(payment);
    }
    await untilProcessed(service, payments.length);
  });

  it("are handed on once only: an instance takes none over the link that is not its own", async () => {
    const link = new Caller({ socketPath: join(service.topology.runDir, socketNames(1)[1]!) }, 32, "other");
    const headers = { "content-type": "application/json" };
    const { status, body } = await link.ask("POST", "/2/payments", { headers, body: bodyOf(newPaymentOf(2)) });
    const ofOtherVersion = await link.ask("POST", "/payments", { headers, body: bodyOf(newPaymentOf(1)) });
    link.close();
    expect(ofOtherVersion.status).to.equal(505);
    expect(JSON.parse(ofOtherVersion.body)).to.include({ status: 505, detail: "the link's protocol is 2" });
    expect(status).to.equal(421);
    expect(JSON.parse(body)).to.include({ status: 421, title: "Misdirected Request" });
    expect(countOf(await summaryOf(service.front))).to.equal(payments.length);
  });

  it("are all served by the other instance while theirs is down", async () => {
    await service.topology.kill("instance-2");
    const survivor = service.instances[0]!;
    for (const caller of [service.front, survivor]) {
      expect(countOf(await summaryOf(caller))).to.equal(payments.length);
      for (const [i, view] of views.entries()) {
        for (const id of [view.correlationId, view.id]) {
          const { status, body } = await caller.get(`/payments/${id}`);
          expect({ status, view: JSON.parse(body) }).to.deep.equal({ status: 200, view: views[i] });
        }
      }
      const more = [newPaymentOf(1), newPaymentOf(2)];
      await payMany(caller, more);
      payments.push(...more);
      await untilProcessed(service, payments.length);
    }
    const { ready, peers, partitions } = await service.readyOf(1);
    expect({ ready, peers }).to.deep.equal({
      ready: true,
      peers: [{ instance: 2, reachable: false, standing: "down" }],
    });
    expect(partitions.map(({ instance, state }) => [instance, state])).to.deep.equal([
      [1, "carried"],
      [1, "carried"],
    ]);
  });

  it("are all there when it is back, before its partition is given back to it and after", async () => {
    await service.topology.restart("instance-2");
    for (const isGivenBack of [false, true]) {
      if (isGivenBack) await service.untilAtHome();
      for (const caller of [service.front, ...service.instances]) {
        expect(countOf(await summaryOf(caller))).to.equal(payments.length);
        for (const view of views) {
          const { body } = await caller.get(`/payments/${view.correlationId}`);
          expect(JSON.parse(body)).to.deep.equal(view);
        }
      }
    }
    expect((await service.readyOf(2)).payments.processed).to.be.above(0);
    expect(service.processors.default.charges.count + service.processors.fallback.charges.count).to.equal(
      payments.length,
    );
  });

  it("cannot be purged unless that was allowed", async () => {
    for (const caller of [service.front, ...service.instances]) {
      const { status, headers, body } = await caller.ask("POST", "/purge-payments");
      expect(status).to.equal(403);
      expect(headers["content-type"]).to.equal("application/problem+json");
      expect(JSON.parse(body)).to.include({ status: 403, title: "Forbidden" });
    }
    expect(countOf(await summaryOf(service.front))).to.equal(payments.length);
  });

  it("are not waited for when their instance hangs", async () => {
    service.topology.signal("instance-2", "SIGSTOP");
    try {
      await until(
        "instance 2 says nothing",
        async () => (await service.instances[0]!.get("/payments-summary")).status === 503,
      );
      expectUnavailable(await pay(service.instances[0]!, newPaymentOf(2)));
      expect((await pay(service.front, newPaymentOf(1))).status).to.equal(202);
    } finally {
      service.topology.signal("instance-2", "SIGCONT");
    }
    await until(
      "instance 2 is back",
      async () => (await service.instances[0]!.get("/payments-summary")).status === 200,
    );
  });
});
