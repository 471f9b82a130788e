import { rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import {
  type Answer,
  type Ask,
  ask,
  type Backend,
  type BalancedBackends,
  killBackend,
  paymentOf,
  spawnBackend,
  startBalancedBackends,
} from "./nginx-harness.ts";

/** How long nginx waits for an answer. */
const READ_TIMEOUT_MS = 1000;
/** For a machine that has other things to do. */
const PATIENCE_MS = 400;
const DETAIL_NO = "the journal cannot be written; the payment was not accepted";
const DETAIL_UNKNOWN =
  "the journal cannot be written; the payment may have been accepted: repeat it, it is never charged twice";
const problem = (detail: string, accepted: string): string =>
  JSON.stringify({
    type: "urn:problem-type:rinha-backend:journal-unwritable",
    title: "Service Unavailable",
    status: 503,
    detail,
    accepted,
  });
const REFUSED = { status: 503, problem: problem(DETAIL_NO, "no") };

type Timed = Answer & { readonly ms: number };

describe("nginx: a request that its first choice does not answer", function () {
  this.timeout(30_000);
  let service: BalancedBackends;
  let first: Backend;
  let second: Backend;

  beforeEach(async () => {
    service = await startBalancedBackends();
    [first, second] = service.backends as [Backend, Backend];
  });

  afterEach(() => service.stop());

  async function timed(path: string, asked: Ask): Promise<Timed> {
    const beganAtMs = performance.now();
    const answer = await ask(service.balancer.port, path, asked);
    return { ...answer, ms: performance.now() - beganAtMs };
  }

  const pay = (): Promise<Timed> => timed("/payments", { method: "POST", body: paymentOf(0) });
  const receivedCounts = (): number[] => service.backends.map(({ received }) => received.length);

  function expectNobody({ status, headers, body }: Answer, accepted: "no" | "unknown"): void {
    expect([status, headers["retry-after"], JSON.parse(body).accepted]).to.deep.equal([503, "1", accepted]);
  }

  it("goes to the other as it was, when the first breaks off in the middle of it", async () => {
    for (const isKept of [false, true]) {
      if (isKept) await pay();
      for (const backend of service.backends) backend.received.length = 0;
      first.manner = "breaks off";
      const { status, headers, ms } = await pay();
      expect([status, headers["x-instance"]]).to.deep.equal([202, "instance-2"]);
      expect(ms).to.be.below(PATIENCE_MS);
      expect(second.received[0]?.body).to.equal(paymentOf(0));
      first.manner = "answers";
    }
  });

  it("goes to the other after a second of silence", async () => {
    first.manner = "is silent";
    const { status, headers, ms } = await pay();
    expect([status, headers["x-instance"]]).to.deep.equal([202, "instance-2"]);
    expect(ms).to.be.within(READ_TIMEOUT_MS - 50, READ_TIMEOUT_MS + PATIENCE_MS);
  });

  it("goes on when it reads, too", async () => {
    first.manner = "is silent";
    for (const path of ["/payments/x", "/payments-summary", "/health", "/ready"]) {
      const answers = await Promise.all([timed(path, {}), timed(path, {})]);
      for (const { status, headers, ms } of answers) {
        expect([status, headers["x-instance"]], path).to.deep.equal([202, "instance-2"]);
        expect(ms, path).to.be.below(READ_TIMEOUT_MS + PATIENCE_MS);
      }
    }
  });

  it("gets 503 when nobody answers, and may have been accepted", async () => {
    first.manner = second.manner = "is silent";
    const answer = await pay();
    expectNobody(answer, "unknown");
    expect(answer.ms).to.be.below(2 * READ_TIMEOUT_MS + PATIENCE_MS);
    expect(receivedCounts()).to.deep.equal([1, 1]);
    expect((await timed("/payments-summary", {})).status).to.equal(503);
  });

  it("may have been accepted whichever of the two it was sent to, and by nobody if it was sent to none", async () => {
    first.manner = "is silent";
    await second.stop();
    expectNobody(await pay(), "unknown");
    expectNobody(await timed("/payments", { method: "POST", body: paymentOf(1) }), "unknown");
    await first.stop();
    for (const index of [0, 1])
      expectNobody(await timed("/payments", { method: "POST", body: paymentOf(index) }), "no");
  });

  it("is not repeated after a 503, which passes as it is", async () => {
    first.manner = REFUSED;
    const { status, headers, body } = await pay();
    expect([status, headers["retry-after"], body]).to.deep.equal([503, "7", REFUSED.problem]);
    expect(headers["content-length"]).to.equal(`${REFUSED.problem.length}`);
    expect(receivedCounts()).to.deep.equal([1, 0]);
  });

  it("is not said to be refused by one that knows nothing of the first", async () => {
    first.manner = "is silent";
    second.manner = REFUSED;
    expect((await pay()).body).to.equal(problem(DETAIL_UNKNOWN, "unknown"));
    first.manner = "breaks off";
    expect((await pay()).body).to.equal(problem(DETAIL_UNKNOWN, "unknown"));
    await first.stop();
    expect((await pay()).body).to.equal(REFUSED.problem);
  });

  it("is sent once if it is a purge, unless nobody was there to take it", async () => {
    const purge = (): Promise<Timed> => timed("/purge-payments", { method: "POST" });
    first.manner = second.manner = "breaks off";
    for (let round = 1; round <= 4; round++) {
      expect((await purge()).status).to.equal(503);
      expect(first.received.length + second.received.length).to.equal(round);
    }
    first.manner = "is silent";
    second.manner = "is silent";
    const before = first.received.length + second.received.length;
    void purge().catch(() => {});
    await sleep(READ_TIMEOUT_MS + PATIENCE_MS);
    expect(first.received.length + second.received.length).to.equal(before + 1);
    await first.stop();
    second.manner = "answers";
    for (let round = 0; round < 2; round++) expect((await purge()).status).to.equal(202);
  });

  describe("and the log", () => {
    async function load(count: number): Promise<void> {
      for (let sent = 0; sent < count; sent += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, i) => (i % 5 === 0 ? timed("/payments-summary", {}) : pay())));
      }
    }

    it("stays small, whether the socket is not there, refuses, or says nothing", async () => {
      await first.stop();
      await load(500);
      await killBackend(await spawnBackend(service.balancer.runDirectory, 0));
      await load(500);
      rmSync(join(service.balancer.runDirectory, "instance-1.sock"));
      first.manner = "is silent";
      await first.start();
      await load(100);
      await Promise.all([first.stop(), second.stop()]);
      await load(500);
      expect(service.balancer.log().length).to.be.below(1000);
    });

    it("tells of other errors", async () => {
      await Promise.all([first.stop(), second.stop()]);
      expect((await timed("/purge-payments", { method: "POST" })).status).to.equal(503);
      expect(service.balancer.log()).to.match(/connect\(\) to unix:instance-1.sock failed .*\/purge-payments/);
    });
  });
});
