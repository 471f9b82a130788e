import { planOf } from "./plan.ts";
import { type Coverage, simulate } from "./simulation.ts";

/** What many seeds have come to. */
export type Tally = {
  seedCount: number;
  eventCount: number;
  virtualMs: number;
  coverage: Coverage;
  failedSeeds: number[];
};

export function emptyTally(): Tally {
  const coverage = { charges: 0, failed: 0, starts: 0, checkpoints: 0, broken: 0 };
  return { seedCount: 0, eventCount: 0, virtualMs: 0, coverage, failedSeeds: [] };
}

/** Runs `seedCount` seeds from `fromSeed` on. */
export async function runSeeds(fromSeed: number, seedCount: number): Promise<Tally> {
  const tally = emptyTally();
  for (let seed = fromSeed; seed < fromSeed + seedCount; seed++) {
    const { violation, eventCount, virtualMs, coverage } = await simulate(planOf(seed));
    addTo(tally, { seedCount: 1, eventCount, virtualMs, coverage, failedSeeds: violation ? [seed] : [] });
  }
  return tally;
}

export function addTo(tally: Tally, more: Tally): void {
  tally.seedCount += more.seedCount;
  tally.eventCount += more.eventCount;
  tally.virtualMs += more.virtualMs;
  tally.failedSeeds.push(...more.failedSeeds);
  const { coverage } = tally;
  coverage.charges += more.coverage.charges;
  coverage.failed += more.coverage.failed;
  coverage.starts += more.coverage.starts;
  coverage.checkpoints += more.coverage.checkpoints;
  coverage.broken += more.coverage.broken;
}

/** `elapsedMs` is real time. */
export function describeTally(tally: Tally, elapsedMs: number): string {
  const seconds = elapsedMs / 1000;
  const { charges, failed, starts, checkpoints, broken } = tally.coverage;
  const rates = [
    `${(tally.seedCount / seconds).toFixed(0)} seeds/s`,
    `${(tally.eventCount / seconds / 1000).toFixed(0)} thousand events/s`,
    `${(tally.virtualMs / 3_600_000 / seconds).toFixed(2)} virtual hours per second`,
  ];
  const payments = `${charges} charges, ${failed} given up`;
  const met = `${payments}, ${starts} starts, ${checkpoints} checkpoints, ${broken} broken journals`;
  return `${tally.seedCount} seeds, ${tally.failedSeeds.length} failed; ${rates.join(", ")}; ${met}`;
}
