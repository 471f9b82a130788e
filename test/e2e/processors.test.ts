import { expect } from "chai";
import { audit } from "../../perf/audit/audit.ts";
import { type ConnectedParties, connectParties } from "../../perf/audit/parties.ts";
import { totalsCount } from "../../perf/audit/totals.ts";
import type { ProcessorWish } from "../../perf/launch/processors.ts";
import { startTopology, type Topology } from "../../perf/launch/topology.ts";
import { Caller } from "./caller.ts";
import { newPayment, payMany, viewOf } from "./payments.ts";
import { until } from "./until.ts";

const PAYMENTS = 40;

/** Processors named p0, p1 …, the last one the cheapest. */
function wishesOf(count: number): ProcessorWish[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `p${i}`,
    fee: (count - i) / 100,
    port: 0,
    settings: { maxInFlight: 64 },
  }));
}

for (const count of [1, 2, 3, 16]) {
  describe(`a deployment with ${count} processors`, () => {
    let topology: Topology;
    let front: Caller;
    let parties: ConnectedParties;

    before(async () => {
      topology = await startTopology({
        port: 0,
        processors: wishesOf(count),
        env: { PROFILE: "contest", LOG_LEVEL: "fatal", SETTLE_WITHIN_MS: "1000" },
      });
      front = new Caller({ host: topology.host, port: topology.port });
      const processors = Object.fromEntries(
        Object.entries(topology.processorUrls).map(([name, url]) => [name, new URL(url)]),
      );
      parties = connectParties({ service: new URL(topology.url), processors, token: "123" }, 8, 5000);
    });

    after(async () => {
      front?.close();
      await parties?.close();
      await topology?.stop();
    });

    async function processed(): Promise<number> {
      return totalsCount((await parties.service.totals("")).processors);
    }

    it("counts each by its name, in configured order, and uses the cheapest", async () => {
      const payments = Array.from({ length: PAYMENTS }, () => newPayment());
      await payMany(front, payments);
      await until("all are processed", async () => (await processed()) === PAYMENTS);
      const summary = JSON.parse((await front.get("/payments-summary")).body) as Record<
        string,
        { totalRequests: number }
      >;
      expect(Object.keys(summary)).to.deep.equal(wishesOf(count).map(({ name }) => name));
      expect(Object.values(summary).map(({ totalRequests }) => totalRequests)).to.deep.equal([
        ...new Array<number>(count - 1).fill(0),
        PAYMENTS,
      ]);
      const { attempts } = await viewOf(front, payments[0]!);
      expect(attempts).to.have.length(1);
      expect(attempts[0]).to.include({ processor: `p${count - 1}`, reason: "cheapest", outcome: "charged" });
    });

    it("goes to the next dearer one when the cheapest fails, says why, and agrees with all of them", async () => {
      await parties.processors[`p${count - 1}`]!.setFailure(true);
      const payments = Array.from({ length: PAYMENTS }, () => newPayment(123));
      await payMany(front, payments);
      if (count === 1) {
        await new Promise((resolve) => setTimeout(resolve, 1500));
        expect(await processed()).to.equal(PAYMENTS);
        await parties.processors["p0"]!.setFailure(false);
      }
      await until("all are processed", async () => (await processed()) === 2 * PAYMENTS);
      if (count > 1) {
        const views = await Promise.all(payments.map((payment) => viewOf(front, payment)));
        const used = views.map(({ processor }) => processor);
        expect(used)
          .to.include(`p${count - 2}`)
          .and.not.include(`p${count - 1}`);
        expect(views.map(({ attempts }) => attempts.at(-1)!.reason)).to.include("cheaper down");
      }
      expect(await audit(parties, { isFull: true })).to.include({ agrees: true });
    });

    it("reports each in metrics, readiness and on the page", async () => {
      const names = wishesOf(count).map(({ name }) => name);
      const instance = new Caller({ socketPath: topology.instanceSocket(1) });
      const metrics = (await instance.get("/metrics")).body;
      const ready = JSON.parse((await instance.get("/ready")).body) as { processors: { name: string }[] };
      instance.close();
      expect(ready.processors.map(({ name }) => name)).to.deep.equal(names);
      for (const name of names) expect(metrics).to.include(`rinha_processor_up{processor="${name}"}`);
      expect(metrics).to.match(
        new RegExp(`rinha_routed_payments_total\\{processor="p${count - 1}",reason="cheapest"\\} [1-9]`),
      );
    });
  });
}
