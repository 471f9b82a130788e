import { expect } from "chai";
import { addTo, describeTally, emptyTally, runSeeds } from "./campaign.ts";
import { describeFailure } from "./failure.ts";
import { findMutation, mutated } from "./mutants.ts";
import { MUTATIONS } from "./mutations.ts";
import { planOf } from "./plan.ts";
import { simulate } from "./simulation.ts";

const CHOSEN = process.env["SIM_SEED"];
/** Where the seeds begin. SIM_SEED=<number> begins elsewhere, such as at what a failure printed. */
const BASE_SEED = CHOSEN === undefined ? 20250715 : Number(CHOSEN);
const BUDGET_MS = 10_000;
/** However slow the machine is: the time only decides how many more are run. */
const SEEDS_MIN = 300;
const SEEDS_MAX = 4000;
const CHUNK_SEEDS = 50;
/** Mutations are looked for in the same seeds every time: whether one is found must not depend on chance. */
const MUTATION_SEEDS_MAX = 1500;

/** Shows the bug that is shrunk. */
const SHRUNK_SEED = MUTATIONS["a window without its last millisecond"]!.seed;

describe("simulation", () => {
  it(`keeps every promise in ${SEEDS_MIN} to ${SEEDS_MAX} seeds from SIM_SEED=${BASE_SEED} on`, async function () {
    this.timeout(180_000);
    this.slow(BUDGET_MS * 2);
    const total = emptyTally();
    const beganAtMs = performance.now();
    const isOver = (): boolean => total.seedCount >= SEEDS_MAX || performance.now() - beganAtMs >= BUDGET_MS;
    while (total.seedCount < SEEDS_MIN || !isOver()) {
      addTo(total, await runSeeds(BASE_SEED + total.seedCount, CHUNK_SEEDS));
      const failed = total.failedSeeds[0];
      if (failed !== undefined) throw new Error(await describeFailure(failed));
    }
    console.log(`      ${describeTally(total, performance.now() - beganAtMs)}`);
    expect(total.seedCount, "seeds").to.be.at.least(SEEDS_MIN);
    expect(total.coverage.charges, "charges").to.be.above(0);
    expect(total.coverage.failed, "payments given up").to.be.above(0);
    expect(total.coverage.starts, "restarts").to.be.above(total.seedCount * 2);
    expect(total.coverage.checkpoints, "checkpoints").to.be.above(0);
    expect(total.coverage.broken, "broken journals").to.be.above(0);
    expect(total.coverage.takeOvers, "partitions taken over").to.be.above(total.seedCount);
    expect(total.coverage.handOvers, "partitions handed over").to.be.above(0);
    expect(total.coverage.expulsions, "lives expelled").to.be.above(0);
    expect(total.coverage.raises, "epochs raised").to.be.above(0);
  });

  it("runs a seed the same way every time", async () => {
    for (let seed = BASE_SEED; seed < BASE_SEED + 20; seed++) {
      const [first, again]: [string[], string[]] = [[], []];
      await simulate(planOf(seed), first);
      await simulate(planOf(seed), again);
      expect(again).to.deep.equal(first);
    }
  });

  it("shrinks a failing plan to the incidents it needs", async () => {
    const plan = planOf(SHRUNK_SEED, "journal");
    const bug = "a window without its last millisecond";
    const { simulate } = await mutated<typeof import("./simulation.ts")>("./simulation.js", bug);
    const { keptPlaces, shrink, withOnly } = await mutated<typeof import("./shrink.ts")>("./shrink.js", bug);
    const rule = (await simulate(plan)).violation!.rule;
    const smallest = await shrink(plan, rule);
    expect(smallest.incidents.length).to.be.at.most(3);
    const again = withOnly(planOf(SHRUNK_SEED, "journal"), keptPlaces(plan, smallest));
    expect((await simulate(again)).violation?.rule).to.equal(rule);
  });

  describe("finds the deliberate bug", () => {
    for (const name of Object.keys(MUTATIONS)) {
      it(name, async function () {
        this.timeout(60_000);
        this.slow(10_000);
        const found = await findMutation(name, MUTATION_SEEDS_MAX);
        if (found === undefined) throw new Error(`every bug must be found: seeds=${MUTATION_SEEDS_MAX}`);
        console.log(`        seed ${found.seed}: ${found.rule}`);
      });
    }
  });
});
