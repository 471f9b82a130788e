import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Answer } from "./caller.ts";
import { Caller } from "./caller.ts";
import { newPaymentOf, type Payment, pay, payMany } from "./payments.ts";
import { Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";
import { until } from "./until.ts";

const AT_ONCE = 300;
const LINK_TIMEOUT_MS = 1000;
/** For a machine that has other things to do; an answer behind a queue took many times as long. */
const PATIENCE_MS = 5000;

type Timed = { answer: Answer; ms: number };

describe("an instance whose neighbour has stopped", function () {
  this.timeout(60_000);
  let service: Service;
  let caller: Caller;
  const payments: Payment[] = [];

  before(async () => {
    service = await Service.start({ env: { LINK_TIMEOUT_MS: String(LINK_TIMEOUT_MS) } });
    caller = new Caller({ socketPath: service.topology.instanceSocket(1) }, AT_ONCE);
    payments.push(newPaymentOf(1), newPaymentOf(2));
    await payMany(service.front, payments);
    await untilProcessed(service, payments.length);
    service.topology.signal("instance-2", "SIGSTOP");
  });

  after(async () => {
    service?.topology.signal("instance-2", "SIGCONT");
    caller?.close();
    await service?.stop();
  });

  async function timed(answering: Promise<Answer>): Promise<Timed> {
    const beganAtMs = performance.now();
    return { answer: await answering, ms: performance.now() - beganAtMs };
  }

  function summaries(count: number): Promise<Timed[]> {
    return Promise.all(Array.from({ length: count }, () => timed(caller.get("/payments-summary"))));
  }

  const slowestMs = (answers: readonly Timed[]): number => Math.max(...answers.map(({ ms }) => ms));

  it("answers all who ask at once within one timeout, however many, and says what it does not know", async () => {
    const forwarded = Array.from({ length: 20 }, () => timed(pay(caller, newPaymentOf(2))));
    await sleep(100);
    const answers = await summaries(AT_ONCE);
    expect(new Set(answers.map(({ answer }) => answer.status))).to.deep.equal(new Set([503]));
    expect(slowestMs(answers)).to.be.below(LINK_TIMEOUT_MS + PATIENCE_MS);
    for (const { answer, ms } of await Promise.all(forwarded)) {
      expect(ms).to.be.below(LINK_TIMEOUT_MS + PATIENCE_MS);
      expect(answer.status).to.equal(503);
      const { accepted, detail } = JSON.parse(answer.body);
      expect(accepted).to.equal("unknown");
      expect(detail).to.contain("may have been accepted: repeat it");
    }
  });

  it("does not wait for it again, and takes its own payments all the while", async () => {
    for (let round = 0; round < 5; round++) {
      const answers = await summaries(20);
      expect(slowestMs(answers)).to.be.below(LINK_TIMEOUT_MS);
      const { answer, ms } = await timed(pay(caller, newPaymentOf(2)));
      expect([answer.status, JSON.parse(answer.body).accepted]).to.deep.equal([503, "no"]);
      expect(JSON.parse(answer.body).detail).to.contain("says nothing");
      expect(ms).to.be.below(LINK_TIMEOUT_MS);
      const own = newPaymentOf(1);
      expect((await pay(caller, own)).status).to.equal(202);
      payments.push(own);
      await sleep(LINK_TIMEOUT_MS / 4);
    }
  });

  it("asks it again once it goes on, and every payment is there then", async () => {
    service.topology.signal("instance-2", "SIGCONT");
    const beganAtMs = performance.now();
    await until("there are summaries", async () => (await caller.get("/payments-summary")).status === 200);
    expect(performance.now() - beganAtMs).to.be.below(2 * LINK_TIMEOUT_MS + PATIENCE_MS);
    await until("its own payments are processed", async () => countOf(await summaryOf(caller)) >= payments.length);
    // What it reads just after it has gone on may be old, and is refused.
    await until("payments are accepted", async () => (await pay(caller, newPaymentOf(2))).status === 202);
  });
});
