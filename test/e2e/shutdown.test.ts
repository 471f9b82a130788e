import { expect } from "chai";
import { isAlive } from "../support/processes.ts";
import type { Answer } from "./caller.ts";
import { chargesOf, instanceOf, newPayment, type Payment, pay } from "./payments.ts";
import { Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const CLIENT_COUNT = 24;
const GRACE_MS = 4000;

describe("shutting down under load", () => {
  let service: Service;
  const accepted: Payment[] = [];
  const refused: { payment: Payment; answer: Answer }[] = [];

  before(async () => {
    service = await Service.start({ env: { SHUTDOWN_GRACE_MS: String(GRACE_MS) } });
  });

  after(() => service?.stop());

  /** Posts without a pause until told to end, and keeps an account of what was answered. */
  function startLoad(): () => Promise<void> {
    let isOver = false;
    const clients = Array.from({ length: CLIENT_COUNT }, async () => {
      while (!isOver) {
        const payment = newPayment();
        const answer = await pay(service.front, payment);
        if (answer.status === 202) accepted.push(payment);
        else refused.push({ payment, answer });
      }
    });
    return async () => {
      isOver = true;
      await Promise.all(clients);
    };
  }

  it("finishes what is in flight, refuses what is new, and ends with code 0", async () => {
    service.processors.default.settings.delayMs = 400;
    const endLoad = startLoad();
    await until("much is in flight", () => service.processors.default.limiter.inFlightCount >= 16);
    const ended = service.topology.kill("instance-1", "SIGTERM");
    await until("new payments are refused", () => refused.length > 20);
    // What it knows it still knows.
    const repeated = await pay(service.instances[0]!, accepted.find((payment) => instanceOf(payment) === 1)!);
    expect(await ended).to.deep.equal({ code: 0, signal: null });
    await endLoad();
    for (const { payment, answer } of refused) {
      expect(answer.status).to.equal(503);
      expect(answer.headers["retry-after"]).to.equal("1");
      expect(instanceOf(payment)).to.equal(1);
      expect(JSON.parse(answer.body).accepted, answer.body).to.be.oneOf(["no", "unknown"]);
      if (answer.body.includes("shutting down")) expect(JSON.parse(answer.body).accepted).to.equal("no");
    }
    expect(repeated.status, repeated.body).to.equal(200);
    expect(refused.map(({ answer }) => answer.body).join()).to.contain("shutting down");
  });

  it("loses nothing that was accepted, and charges nothing that was not", async () => {
    service.processors.default.settings.delayMs = 0;
    await service.topology.restart("instance-1");
    await untilProcessed(service, accepted.length);
    const charges = [chargesOf(service.processors.default), chargesOf(service.processors.fallback)];
    const charged = [...charges[0]!.keys(), ...charges[1]!.keys()];
    expect(charged.length).to.equal(accepted.length);
    expect(new Set(charged)).to.deep.equal(new Set(accepted.map(({ correlationId }) => correlationId)));
    expect(countOf(await summaryOf(service.front))).to.equal(accepted.length);
  });

  it("does not wait longer for a processor than it may", async () => {
    await service.wires.default.set("hung");
    await service.wires.fallback.set("hung");
    const payment = newPayment();
    expect((await pay(service.front, payment)).status).to.equal(202);
    const name = `instance-${instanceOf(payment)}` as const;
    const startedAtMs = performance.now();
    expect(await service.topology.kill(name, "SIGINT")).to.deep.equal({ code: 0, signal: null });
    expect(performance.now() - startedAtMs).to.be.within(GRACE_MS - 500, 4 * GRACE_MS);
    await service.heal();
    await service.topology.restart(name);
    accepted.push(payment);
    await untilProcessed(service, accepted.length);
    expect(service.processors.default.charges.count + service.processors.fallback.charges.count).to.equal(
      accepted.length,
    );
  });

  it("ends all processes, each with code 0", async () => {
    const pids = service.topology.processes.map(({ pid }) => pid);
    expect(pids.every(isAlive)).to.equal(true);
    const ends = await Promise.all([1, 2].map((number) => service.topology.kill(`instance-${number}`, "SIGTERM")));
    expect(ends.map(({ code }) => code)).to.deep.equal([0, 0]);
    await service.topology.stop();
    expect(pids.filter(isAlive)).to.deep.equal([]);
  });
});
