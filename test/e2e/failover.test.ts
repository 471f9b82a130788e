import { expect } from "chai";
import type { PaymentView } from "../../server/page/payment-view.ts";
import { bodyOf, chargesOf, newPayment, newPaymentOf, type Payment, payMany, untilState, viewOf } from "./payments.ts";
import { type Role, Service } from "./service.ts";
import { summaryOf } from "./summaries.ts";
import { until } from "./until.ts";

/** Long enough not to be met by accident on a busy machine. */
const REQUEST_TIMEOUT_MS = 1000;

function newPayments(count: number): Payment[] {
  return Array.from({ length: count }, (_, i) => newPayment(100 + i));
}

describe("processors that fail", () => {
  let service: Service;

  before(async () => {
    service = await Service.start({ env: { REQUEST_TIMEOUT_MS: String(REQUEST_TIMEOUT_MS) } });
  });

  /** Every story begins with both well, and known to be. */
  beforeEach(async () => {
    await service.heal();
    await until("the default takes payments", async () => {
      const payment = newPayment();
      await payMany(service.front, [payment]);
      const [view] = await untilState(service.front, [payment], "processed");
      return view!.processor === "default" && (await areAvailable());
    });
  });

  after(() => service?.stop());

  async function areAvailable(): Promise<boolean> {
    const answers = await Promise.all(service.instances.map((caller) => caller.get("/ready")));
    return answers.every(({ body }) => {
      const { processors } = JSON.parse(body) as { processors: { name: string; available: boolean }[] };
      return processors[0]!.available;
    });
  }

  function processed(payments: readonly Payment[]): Promise<PaymentView[]> {
    return untilState(service.front, payments, "processed");
  }

  /** Each is charged at one processor only, at the amount and the requestedAt that the service shows. */
  function expectChargedOnce(views: readonly PaymentView[]): void {
    const charges = {
      default: chargesOf(service.processors.default),
      fallback: chargesOf(service.processors.fallback),
    };
    for (const { correlationId, processor, amount, requestedAt } of views) {
      const other = processor === "default" ? "fallback" : "default";
      const cents = Math.round(amount * 100);
      expect(charges[processor as Role].get(correlationId), correlationId).to.deep.equal({ cents, requestedAt });
      expect(charges[other].has(correlationId), `${correlationId} at the ${other}`).to.equal(false);
    }
  }

  function processorsOf(views: readonly PaymentView[]): Set<string | null> {
    return new Set(views.map(({ processor }) => processor));
  }

  it("are replaced at once by the fallback when the default answers 500", async () => {
    service.processors.default.settings.failing = true;
    const payments = newPayments(30);
    await payMany(service.front, payments);
    const views = await processed(payments);
    expectChargedOnce(views);
    expect(processorsOf(views)).to.deep.equal(new Set(["fallback"]));
    const waitedMs = views.map(({ acceptedAt, requestedAt }) => Date.parse(requestedAt!) - Date.parse(acceptedAt));
    expect(Math.max(...waitedMs)).to.be.below(3000);
  });

  it("are replaced by the fallback when the default's port is closed, and used again when it is back", async () => {
    await service.wires.default.set("refusing");
    const payments = newPayments(30);
    await payMany(service.front, payments);
    const views = await processed(payments);
    expectChargedOnce(views);
    expect(processorsOf(views)).to.deep.equal(new Set(["fallback"]));
    expect(views.flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome))).to.include("unreachable");
    await service.wires.default.set("open");
    await until("the default is used again", async () => {
      const more = newPayments(4);
      await payMany(service.front, more);
      return processorsOf(await processed(more)).has("default");
    });
  });

  it("keep payments waiting while both are down, and get every one when either is back", async () => {
    for (const role of ["default", "fallback"] as const) service.processors[role].settings.failing = true;
    const payments = newPayments(60);
    await payMany(service.front, payments);
    const seen = newPayment();
    await payMany(service.front, [seen]);
    // Long enough to have been refused by both.
    await until("both have been tried", async () => {
      const views = await Promise.all(payments.map((payment) => viewOf(service.front, payment)));
      expect(views.filter(({ state }) => state !== "pending" && state !== "sending")).to.deep.equal([]);
      const tried = views.flatMap(({ attempts }) => attempts.map(({ processor }) => processor));
      return tried.includes("default") && tried.includes("fallback");
    });
    service.processors.fallback.settings.failing = false;
    const views = await processed([...payments, seen]);
    expectChargedOnce(views);
    expect(processorsOf(views)).to.deep.equal(new Set(["fallback"]));
  });

  it("are not replaced for being slow", async () => {
    service.processors.default.settings.delayMs = 200;
    const payments = newPayments(40);
    await payMany(service.front, payments);
    const views = await processed(payments);
    expectChargedOnce(views);
    expect(processorsOf(views)).to.deep.equal(new Set(["default"]));
    for (const { attempts } of views) expect(attempts.at(-1)!.ms).to.be.at.least(190);
  });

  it("leave payments in doubt when they hang, which stay with them, while others go on", async () => {
    await service.wires.default.set("hung");
    // Each instance has to find out for itself.
    const first = [1, 1, 2, 2].map((instance) => newPaymentOf(instance));
    await payMany(service.front, first);
    const doubts = await untilState(service.front, first, "in doubt");
    for (const { processor, requestedAt, attempts, processedAt } of doubts) {
      expect({ processor, processedAt }).to.deep.equal({ processor: "default", processedAt: null });
      expect(attempts[0]).to.include({ processor: "default", outcome: "timed out", time: requestedAt });
      expect(attempts[0]!.ms).to.be.at.least(REQUEST_TIMEOUT_MS);
    }
    const others = newPayments(20);
    await payMany(service.front, others);
    await until("payments go on", async () => {
      const views = await Promise.all(others.map((payment) => viewOf(service.front, payment)));
      // One now and then tries whether the default is back, and may be in doubt as well.
      return views.filter(({ state, processor }) => state === "processed" && processor === "fallback").length > 10;
    });
    const earliest = doubts.map(({ requestedAt }) => requestedAt!).sort()[0];
    for (const caller of service.instances) expect((await summaryOf(caller)).settledUntil).to.equal(earliest);

    await service.wires.default.set("open");
    const views = await processed([...first, ...others]);
    expectChargedOnce(views);
    for (const [i, view] of views.slice(0, first.length).entries()) {
      expect(view).to.include({ processor: "default", requestedAt: doubts[i]!.requestedAt });
    }
  });

  it("are asked again, with the same requestedAt, about payments whose answer was lost", async () => {
    await service.wires.default.set("losing answers");
    const payments = newPayments(6);
    await payMany(service.front, payments);
    await until("an answer is lost", async () => {
      const views = await Promise.all(payments.map((payment) => viewOf(service.front, payment)));
      return views.some(({ attempts }) => attempts[0]?.outcome === "connection reset");
    });
    await service.wires.default.set("open");
    const views = await processed(payments);
    expectChargedOnce(views);
    const resolved = views.filter(({ attempts }) => attempts[0]!.outcome === "connection reset");
    expect(resolved).to.not.deep.equal([]);
    for (const { attempts, requestedAt, processor } of resolved) {
      expect(attempts[0]).to.include({ time: requestedAt, processor });
      expect(attempts.at(-1)!.outcome).to.be.oneOf(["already charged", "found charged", "charged"]);
    }
  });

  it("are found to have charged what they were too slow to confirm, and counted once", async () => {
    service.processors.default.settings.delayMs = 3 * REQUEST_TIMEOUT_MS;
    const payments = newPayments(10);
    await payMany(service.front, payments);
    const views = await processed(payments);
    expectChargedOnce(views);
    const late = views.filter(({ attempts }) => attempts[0]!.outcome === "timed out");
    expect(late).to.not.deep.equal([]);
    for (const { processor, requestedAt, attempts } of late) {
      expect({ processor, requestedAt }).to.deep.equal({ processor: "default", requestedAt: attempts[0]!.time });
    }
  });

  it("both hung and back again leave nothing open", async () => {
    for (const role of ["default", "fallback"] as const) await service.wires[role].set("hung");
    const payments = newPayments(50);
    await payMany(service.front, payments);
    await untilState(service.front, payments.slice(0, 2), "in doubt");
    for (const role of ["default", "fallback"] as const) await service.wires[role].set("open");
    expectChargedOnce(await processed(payments));
  });

  it("do not keep anybody from being answered", async () => {
    for (const role of ["default", "fallback"] as const) await service.wires[role].set("hung");
    const payments = newPayments(300);
    await payMany(service.front, payments);
    const again = await Promise.all(
      payments.map((payment) => service.front.ask("POST", "/payments", { body: bodyOf(payment) })),
    );
    expect(new Set(again.map(({ status }) => status))).to.deep.equal(new Set([200]));
    await service.heal();
    expectChargedOnce(await processed(payments));
  });
});
