import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import {
  type Answer,
  ask,
  type Balancer,
  killBackend,
  paymentOf,
  spawnBackend,
  startBalancer,
} from "./nginx-harness.ts";

describe("nginx: an instance that is down", function () {
  this.timeout(15_000);
  let balancer: Balancer;
  const children: (ChildProcess | undefined)[] = [];

  beforeEach(async () => {
    balancer = await startBalancer();
  });

  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => (child === undefined ? undefined : killBackend(child))));
    await balancer.stop();
  });

  async function start(index: number): Promise<void> {
    children[index] = await spawnBackend(balancer.runDirectory, index);
  }

  function pay(index: number): Promise<Answer> {
    return ask(balancer.port, "/payments", { method: "POST", body: paymentOf(index) });
  }

  function expectUnavailable(answer: Answer, accepted?: "no" | "unknown"): void {
    expect(answer.status).to.equal(503);
    expect(answer.headers["retry-after"]).to.equal("1");
    expect(answer.headers["content-type"]).to.equal("application/problem+json");
    const problem = JSON.parse(answer.body);
    expect(problem).to.include({ status: 503, title: "Service Unavailable" });
    expect(problem.accepted, answer.body).to.equal(accepted);
    if (accepted === "no") expect(problem.detail).to.match(/; the payment was not accepted$/);
    if (accepted === "unknown") expect(problem.detail).to.match(/; the payment may have been accepted: repeat it,/);
  }

  it("does not keep the balancer from starting, and serves from the moment it is there", async () => {
    expectUnavailable(await pay(0), "no");
    expectUnavailable(await ask(balancer.port, "/payments-summary"));
    await Promise.all([start(0), start(1)]);
    for (const index of [0, 1]) expect((await pay(index)).status).to.equal(202);
  });

  it("has its payments answered by the other", async () => {
    await Promise.all([start(0), start(1)]);
    await killBackend(children[0]!);
    for (let round = 0; round < 5; round++) {
      for (const index of [0, 1]) expect((await pay(index)).status).to.equal(202);
    }
  });

  it("may have accepted what it had been sent when it died, and nobody else is there", async () => {
    children[0] = await spawnBackend(balancer.runDirectory, 0, "never answers");
    const answering = pay(0);
    await sleep(200);
    await killBackend(children[0]!);
    expectUnavailable(await answering, "unknown");
  });

  it("has its reads answered by the other", async () => {
    await Promise.all([start(0), start(1)]);
    await killBackend(children[1]!);
    for (const path of ["/health", "/payments-summary", "/payments/x", "/ready", "/health", "/payments/x"]) {
      expect((await ask(balancer.port, path)).status, path).to.equal(202);
    }
  });

  it("is used again at once after kill -9, over and over, with requests all the while", async () => {
    await Promise.all([start(0), start(1)]);
    let isOver = false;
    const wrong: string[] = [];
    const client = async (): Promise<void> => {
      while (!isOver) {
        const { status } = await pay(0);
        if (status !== 202) wrong.push(`status=${status}`);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (let round = 0; round < 5; round++) {
      await sleep(100);
      await killBackend(children[0]!);
      await start(0);
    }
    await sleep(100);
    isOver = true;
    await Promise.all(clients);
    expect(wrong).to.deep.equal([]);
  });
});
