import { expect } from "chai";
import { isAlive } from "../support/processes.ts";
import type { Answer } from "./caller.ts";
import { chargesOf, instanceOf, newPayment, newPaymentOf, type Payment, pay } from "./payments.ts";
import { Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const CLIENT_COUNT = 24;
const GRACE_MS = 4000;

describe("shutting down under load", () => {
  let service: Service;
  const accepted: Payment[] = [];
  const refused: Answer[] = [];

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
        // 200: the balancer has asked a second time.
        if (answer.status === 202 || answer.status === 200) accepted.push(payment);
        else refused.push(answer);
      }
    });
    return async () => {
      isOver = true;
      await Promise.all(clients);
    };
  }

  it("hands over what it has, ends with code 0, and no client sees anything of it", async () => {
    service.processors.default.settings.delayMs = 400;
    const endLoad = startLoad();
    await until("much is in flight", () => service.processors.default.limiter.inFlightCount >= 16);
    const ended = service.topology.kill("instance-1", "SIGTERM");
    expect(await ended).to.deep.equal({ code: 0, signal: null });
    const acceptedCount = accepted.length;
    await until("payments are accepted by the one that stays", () => accepted.length > acceptedCount + 100);
    await endLoad();
    expect(refused.map((answer) => `${answer.status} ${answer.body}`)).to.deep.equal([]);
    const repeated = await pay(service.front, accepted.find((payment) => instanceOf(payment) === 1)!);
    expect(repeated.status, repeated.body).to.equal(200);
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

  it("does not wait for processors where another instance goes on with what is in flight", async () => {
    await service.untilAtHome();
    for (const role of ["default", "fallback"] as const) await service.wires[role].set("hung");
    const payment = newPaymentOf(1);
    expect((await pay(service.front, payment)).status).to.equal(202);
    const startedAtMs = performance.now();
    expect(await service.topology.kill("instance-1", "SIGINT")).to.deep.equal({ code: 0, signal: null });
    expect(performance.now() - startedAtMs).to.be.below(GRACE_MS);
    expect((await pay(service.front, payment)).status).to.equal(200);
    accepted.push(payment);
  });

  it("refuses what is new where it is the last one, and waits for a processor no longer than it may", async () => {
    const known = accepted.at(-1)!;
    const survivor = service.instances[1]!;
    const startedAtMs = performance.now();
    const ended = service.topology.kill("instance-2", "SIGINT");
    await until("new payments are refused", async () => {
      const payment = newPayment();
      const answer = await pay(survivor, payment);
      if (answer.status === 202) accepted.push(payment);
      else refused.push(answer);
      return refused.length > 10;
    });
    expect((await pay(survivor, known)).status).to.equal(200);
    expect(await ended).to.deep.equal({ code: 0, signal: null });
    expect(performance.now() - startedAtMs).to.be.within(GRACE_MS - 500, 4 * GRACE_MS);
    for (const answer of refused) {
      expect(answer.status).to.equal(503);
      expect(answer.headers["retry-after"]).to.equal("1");
      expect(answer.body).to.contain("shutting down");
      expect(JSON.parse(answer.body).accepted, answer.body).to.equal("no");
    }
    await service.heal();
    await Promise.all(["instance-1" as const, "instance-2" as const].map((name) => service.topology.restart(name)));
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
