import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { ChaosService, chaosSeed, INSTANCES } from "./chaos-service.ts";
import { auditExactly } from "./exact-audit.ts";

/**
 * A longer campaign, after `npm run build`:
 *
 *   CHAOS_KILLS=200 npx mocha --timeout 0 build/test/e2e/chaos/kill.test.js
 */
const KILLS = Number(process.env["CHAOS_KILLS"] ?? "20");
const TIMEOUT_MS = 60_000 + KILLS * 5000;
/** Faults change with every kill; small segments, so that kills meet rotations and checkpoints as well. */
const FAULT_SHARES = [0, 0, 0.05, 0.3];
const ENV = { SEGMENT_BYTES: "65536" };

describe("chaos: instances killed under load", function () {
  this.timeout(TIMEOUT_MS);

  it(`loses nothing and charges nothing twice over ${KILLS} kills`, async () => {
    const seed = chaosSeed();
    console.log(`      CHAOS_SEED=${seed}`);
    const service = await ChaosService.start(seed, ENV);
    try {
      const { random, loader, proxies } = service;
      loader.start();
      await sleep(300);
      for (let kill = 0; kill < KILLS; kill++) {
        for (const proxy of proxies) proxy.faultShare = random.pick(FAULT_SHARES);
        await sleep(random.below(random.chance(0.3) ? 60 : 500));
        await service.kill(random.pick(INSTANCES));
        if (random.chance(0.2)) await Promise.all(INSTANCES.map((instance) => service.kill(instance)));
        // Mostly it gets to work again before the next kill, sometimes it is met while it recovers.
        if (random.chance(0.8))
          for (const instance of INSTANCES) await service.topology.running(`instance-${instance}`);
      }
      await service.heal();
      await sleep(300);
      await loader.stop();
      await service.settled();
      console.log(`      ${await auditExactly(service)}`);
      expect(loader.acceptedCount).to.be.at.least(KILLS * 10);
    } catch (error) {
      throw new Error(`CHAOS_SEED=${seed}: ${(error as Error).message}`, { cause: error });
    } finally {
      await service.loader.stop();
      await service.stop();
    }
  });
});
