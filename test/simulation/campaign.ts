import type { Mode } from "./incident.ts";
import { planOf } from "./plan.ts";
import { type Coverage, NO_COVERAGE, simulate } from "./simulation.ts";

/** What many seeds have come to. */
export type Tally = {
  seedCount: number;
  eventCount: number;
  virtualMs: number;
  coverage: Coverage;
  failedSeeds: number[];
};

export function emptyTally(): Tally {
  return { seedCount: 0, eventCount: 0, virtualMs: 0, coverage: { ...NO_COVERAGE }, failedSeeds: [] };
}

/** Runs `seedCount` seeds from `fromSeed` on; `mode`: not the one that each has by itself. */
export async function runSeeds(fromSeed: number, seedCount: number, mode?: Mode): Promise<Tally> {
  const tally = emptyTally();
  for (let seed = fromSeed; seed < fromSeed + seedCount; seed++) {
    const { violation, eventCount, virtualMs, coverage } = await simulate(planOf(seed, mode));
    addTo(tally, { seedCount: 1, eventCount, virtualMs, coverage, failedSeeds: violation ? [seed] : [] });
  }
  return tally;
}

export function addTo(tally: Tally, more: Tally): void {
  tally.seedCount += more.seedCount;
  tally.eventCount += more.eventCount;
  tally.virtualMs += more.virtualMs;
  tally.failedSeeds.push(...more.failedSeeds);
  for (const what of Object.keys(NO_COVERAGE) as (keyof Coverage)[]) tally.coverage[what] += more.coverage[what];
}

/** `elapsedMs` is real time. */
export function describeTally(tally: Tally, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  const { charges, failed, starts, checkpoints, broken, takeOvers, handOvers, expulsions, raises } = tally.coverage;
  const rates = [
    `${(tally.seedCount / seconds).toFixed(0)} seeds/s`,
    `${(tally.eventCount / seconds / 1000).toFixed(0)} thousand events/s`,
    `${(tally.virtualMs / 3_600_000 / seconds).toFixed(2)} virtual hours per second`,
  ];
  const payments = `${charges} charges, ${failed} given up`;
  const moves = `${takeOvers} partitions taken over, ${handOvers} handed over`;
  const kept = `${checkpoints} checkpoints, ${broken} broken journals, ${expulsions} expulsions, ${raises} raises`;
  const met = `${payments}, ${starts} starts, ${moves}, ${kept}`;
  return `${tally.seedCount} seeds, ${tally.failedSeeds.length} failed; ${rates.join(", ")}; ${met}`;
}
