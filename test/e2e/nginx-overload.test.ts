import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { expect } from "chai";
import { OVERLOADED_DETAIL } from "../../server/api/payment-ack.ts";
import { paymentUnavailable, problemBody, RETRY_AFTER_S } from "../../server/text/problem.ts";
import { Caller } from "./caller.ts";
import { type Backend, type BalancedBackends, paymentOf, startBalancedBackends } from "./nginx-harness.ts";
import { until } from "./until.ts";

const PAYMENTS_MAX = 2;
/** Above what the other cases send. */
const BURST = 20;

describe("nginx: more payments at once than it has room for", function () {
  this.timeout(30_000);
  let service: BalancedBackends;
  let backends: readonly Backend[] = [];
  const callers: Caller[] = [];

  beforeEach(async () => {
    service = await startBalancedBackends({ paymentsMax: PAYMENTS_MAX, burst: BURST });
    ({ backends } = service);
  });

  afterEach(async () => {
    for (const caller of callers.splice(0)) caller.close();
    await service?.stop();
  });

  /** A client whose one connection has been answered before. */
  async function knownCaller(): Promise<Caller> {
    const caller = new Caller({ host: "127.0.0.1", port: service.balancer.port }, 1, "other");
    callers.push(caller);
    expect((await caller.get("/health")).status).to.equal(202);
    return caller;
  }

  const pay = (caller: Caller) => caller.ask("POST", "/payments", { body: paymentOf(0) });
  const paidCount = (): number =>
    backends.flatMap(({ received }) => received).filter(({ url }) => url === "/payments").length;

  it("refuses one more at once, in the instances' words, keeps its connection, and takes it later", async () => {
    const [first, second, third] = [await knownCaller(), await knownCaller(), await knownCaller()];
    for (const backend of backends) backend.manner = "is silent";
    const held = [pay(first), pay(second)];
    await until("both are under way", () => paidCount() >= PAYMENTS_MAX);
    const refused = await pay(third);
    expect(refused.status).to.equal(503);
    expect(refused.headers).to.include({
      "content-type": "application/problem+json",
      "retry-after": String(RETRY_AFTER_S),
      connection: "keep-alive",
    });
    expect(refused.body).to.equal(problemBody(paymentUnavailable("overloaded", OVERLOADED_DETAIL, "no")));
    for (const backend of backends) backend.manner = "answers";
    expect((await third.get("/health")).status, "whatever is no payment has its way").to.equal(202);
    await Promise.all(held);
    expect((await pay(third)).status).to.equal(202);
  });

  it("refuses what comes faster than it bears, however few are under way, and takes payments again later", async () => {
    const caller = await knownCaller();
    const paid: { readonly status: number; readonly body: string }[] = [];
    for (let i = 0; i < BURST * 2; i++) paid.push(await pay(caller));
    const refused = paid.filter(({ status }) => status === 503);
    // One more for each second that this takes.
    expect(paid.slice(0, BURST).map(({ status }) => status)).to.deep.equal(Array.from({ length: BURST }, () => 202));
    expect(refused).to.have.length.within(BURST / 2, BURST);
    const words = problemBody(paymentUnavailable("overloaded", OVERLOADED_DETAIL, "no"));
    for (const { body } of refused) expect(body).to.equal(words);
    expect(paidCount()).to.equal(BURST * 2 - refused.length);
    expect((await caller.get("/health")).status, "whatever is no payment has its way").to.equal(202);
    await until("a payment is taken again", async () => (await pay(caller)).status === 202);
  });

  it("does not let clients that send their bodies slowly take the room of others", async () => {
    const known = await knownCaller();
    const body = paymentOf(0);
    const head = `POST /payments HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n`;
    const slow = Array.from({ length: PAYMENTS_MAX * 4 }, () => connect(service.balancer.port, "127.0.0.1"));
    try {
      await Promise.all(slow.map((socket) => new Promise((resolve) => socket.write(head + body.slice(0, 9), resolve))));
      // A request that was sent later is answered, so the heads have been read.
      expect((await known.get("/health")).status).to.equal(202);
      expect((await pay(known)).status).to.equal(202);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  it("has room for all of the contest's users at once, whatever stands still", () => {
    const conf = readFileSync("nginx.conf", "utf8");
    const [, room] = /limit_conn payments (\d+);/.exec(conf) ?? [];
    const [, burst] = /limit_req zone=payment_rate burst=(\d+) nodelay;/.exec(conf) ?? [];
    expect(Number(room)).to.be.at.least(603);
    expect(Number(burst)).to.be.at.least(603);
  });
});
