import { expect } from "chai";
import { forSeeds } from "./random.ts";
import { Simulation } from "./simulation.ts";

describe("engine among processors, log and crashes", () => {
  it("charges every payment once and counts it as the processors do, whatever goes wrong", () => {
    const totals: Record<string, number> = {};
    forSeeds(200, (random) => {
      const simulation = new Simulation(random);
      simulation.run();
      for (const [name, count] of Object.entries(simulation.counts)) totals[name] = (totals[name] ?? 0) + count;
    });
    if (process.env["TEST_SEED"] !== undefined) return;
    // The worlds must be bad enough to be worth surviving.
    const least = {
      accepted: 10_000,
      processed: 5000,
      failed: 200,
      doubts: 5000,
      restarts: 100,
      purges: 50,
      evictions: 3000,
      reverts: 50,
      probes: 1000,
    };
    for (const [name, count] of Object.entries(least)) expect(totals[name], name).to.be.above(count);
  });
});
