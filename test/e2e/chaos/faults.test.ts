import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { ChaosService, chaosSeed } from "./chaos-service.ts";
import { auditExactly } from "./exact-audit.ts";
import { FAULTS } from "./faulty-proxy.ts";

const PHASE_MS = 600;

describe("chaos: processors that misbehave", function () {
  this.timeout(90_000);

  it("loses nothing and charges nothing twice through every fault, at one processor and at both", async () => {
    const seed = chaosSeed();
    console.log(`      CHAOS_SEED=${seed}`);
    const service = await ChaosService.start(seed, { SETTLE_WITHIN_MS: "500" });
    try {
      const { random, loader, proxies, processors } = service;
      loader.start();
      for (const fault of FAULTS) {
        for (const proxy of proxies) {
          proxy.faults = [fault];
          proxy.faultShare = random.pick([0, 0.3, 1]);
        }
        await sleep(PHASE_MS);
      }
      for (const proxy of proxies) proxy.faultShare = 0;
      // Slower than the request timeout: every payment is charged after nobody waits for it any more.
      processors[0]!.settings.delayMs = 700;
      await sleep(PHASE_MS);
      processors[0]!.settings.failing = true;
      await sleep(PHASE_MS);
      for (const proxy of proxies) {
        await proxy.vanish();
        await sleep(PHASE_MS);
      }
      await service.heal();
      for (const proxy of proxies) {
        proxy.faults = FAULTS;
        proxy.faultShare = 0.2;
      }
      await sleep(PHASE_MS * 2);
      await service.heal();
      await loader.stop();
      await service.settled();
      console.log(`      ${await auditExactly(service)}`);
      for (const fault of FAULTS) {
        const count = proxies.reduce((sum, { faultCounts }) => sum + (faultCounts.get(fault) ?? 0), 0);
        expect(count, fault).to.be.at.least(1);
      }
    } catch (error) {
      throw new Error(`CHAOS_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      await service.loader.stop();
      await service.stop();
    }
  });
});
