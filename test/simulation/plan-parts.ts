import { HEADER_BYTES } from "../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import { PROCESSORS_MAX } from "../../core/values/processor.ts";
import { Random } from "../support/random.ts";
import type { Incident, Settings, Weather } from "./incident.ts";

/** What the incidents of payments, processors and networks depend on, of whatever else a seed has in store. */
export type Stresses = ReadonlySet<string>;

export const SECOND_MS = 1000;
const CROWD_PAYMENTS = 250;
/** Numbers that no other payment has. */
const FIRST_OF_CROWD = 1000;

/** Mostly two, as in the contest. Chances of its own, so that a seed with two is the same whatever the others are. */
export function processorCountOf(seed: number): number {
  const random = new Random(~seed);
  return random.chance(0.8) ? 2 : random.pick([1, 3, PROCESSORS_MAX]);
}

/** Instances and partitions: mostly two and two, as in the contest. */
const SIZES = [
  [1, 2],
  [2, 3],
  [3, 3],
  [3, 6],
] as const;

/** Of a run with journals. */
export function settingsOf(
  random: Random,
  stresses: Stresses,
): Omit<Settings, "mode" | "processorCount" | "polls" | "faultsEndAtMs"> {
  const isCrowded = stresses.has("burst") && !stresses.has("crowd") && random.chance(0.5);
  const [instanceCount, partitionCount] = random.chance(0.75) ? [2, 2] : random.pick(SIZES);
  return {
    instanceCount,
    partitionCount,
    capacity: stresses.has("crowd") ? 512 : random.pick([8, 64, 64, 128, 256]),
    syncs: stresses.has("power") || random.chance(stresses.has("diskFails") ? 0.6 : 0.2),
    segmentBytes: HEADER_BYTES + RECORD_BYTES * random.pick([2, 6, 20, 60, 400]),
    sliceRows: random.pick([1, 3, 8, 64]),
    requestTimeoutMs: random.pick([300, 700, 1500]),
    settleWithinMs: random.pick([0, 0, 50, 500]),
    answerWithinMs: random.pick([1, 200, 2000]),
    waitsForSlow: random.chance(0.5),
    giveUpAfterMs: random.pick([1500, 4000, 15_000]),
    retainCount: random.chance(0.15) ? random.between(1, 12) : 0,
    maxInFlight: stresses.has("crowd") ? 512 : isCrowded ? random.between(1, 4) : random.pick([8, 32]),
    flightQuota: stresses.has("crowd") ? 1024 : random.pick([4, 48, 256, 256]),
    processorPlaces: isCrowded ? random.between(1, 3) : 800,
    processorQueue: isCrowded ? random.below(3) : 500,
    readsShort: random.chance(0.3),
    replaysSlowly: random.chance(0.3),
    linkTimeoutMs: random.pick([100, 1000]),
    turnMsMax: random.pick([0, 0, 2, 15]),
    callTimeoutMs: 0,
    fetchBytes: 0,
    wallSkewsMs: [],
    startsAfterMs: [],
  };
}

export function payments(
  random: Random,
  stresses: Stresses,
  durationMs: number,
  hasStrangers: boolean,
  repeats: boolean,
): Incident[] {
  const incidents: Incident[] = [];
  const count = random.between(5, stresses.has("burst") ? 80 : 40);
  let atMs = 0;
  for (let payment = 0; payment < count; payment++) {
    const isInBurst = stresses.has("burst") && payment % 16 !== 0;
    if (!isInBurst) atMs = random.below(durationMs);
    const cents = random.chance(0.1) ? random.between(1, 100_000_000) : 1990;
    const isForeign = hasStrangers && random.chance(0.3);
    incidents.push({ kind: "pay", atMs, payment, cents, repeats: repeats ? random.below(4) : 0, isForeign });
    if (!repeats || !random.chance(0.25)) continue;
    const againAtMs = atMs + random.below(2 * SECOND_MS);
    incidents.push({ kind: "again", atMs: againAtMs, payment, isConflict: random.chance(0.5) });
  }
  return incidents;
}

/** Many payments come while no processor takes any: they pile up, and are to leave evenly. */
export function crowd(random: Random, durationMs: number, processorCount: number): Incident[] {
  const atMs = random.below(durationMs);
  const incidents = Array.from({ length: processorCount }, (_, processor): Incident => {
    const weather = { delayMs: 0, failing: true, oddChance: 0, vagueChance: 0 };
    return { kind: "processor", atMs, processor, ...weather, forMs: 800 };
  });
  for (let payment = 0; payment < CROWD_PAYMENTS; payment++) {
    const which = { payment: FIRST_OF_CROWD + payment, cents: 1990, repeats: 0, isForeign: false };
    incidents.push({ kind: "pay", atMs: atMs + random.below(100), ...which });
  }
  return incidents;
}

export function summaries(random: Random, durationMs: number): Incident[] {
  return Array.from({ length: random.below(6) }, () => ({
    kind: "summary" as const,
    atMs: random.below(durationMs + 3 * SECOND_MS),
    fromMs: random.chance(0.3) ? Number.NEGATIVE_INFINITY : random.below(durationMs),
    // A negative end is before the time of asking: near the watermark, where it is decided what is final.
    toMs: random.chance(0.6) ? -random.below(60) : random.below(durationMs),
  }));
}

export function weather(
  random: Random,
  stresses: Stresses,
  durationMs: number,
  isCalm: boolean,
  processorCount: number,
): Incident[] {
  const incidents: Incident[] = [];
  const when = () => ({
    atMs: random.below(durationMs),
    processor: random.below(processorCount),
    forMs: random.between(10, 4000),
  });
  if (stresses.has("processor") || isCalm) {
    for (let count = random.between(1, 4); count > 0; count--) {
      const delayMs = isCalm ? random.below(150) : random.pick([0, 20, 100, 600, 1600, 5000]);
      const failing = random.chance(0.5);
      incidents.push({ kind: "processor", ...when(), delayMs, failing, oddChance: 0, vagueChance: 0 });
    }
  }
  if (stresses.has("odd")) {
    for (let count = random.between(1, 4); count > 0; count--)
      incidents.push(oddityOf(random, durationMs, processorCount));
  }
  if (stresses.has("network")) {
    for (let count = random.between(1, 3); count > 0; count--) {
      incidents.push({ kind: "network", ...when(), weather: weatherOf(random) });
    }
  }
  return incidents;
}

/** The cheapest processor or the dearest, or something before it, answers as it likes. */
function oddityOf(random: Random, durationMs: number, processorCount: number): Incident {
  return {
    kind: "processor",
    atMs: random.below(durationMs),
    processor: random.chance(0.7) ? 0 : processorCount - 1,
    delayMs: random.pick([0, 0, 20, 100]),
    failing: random.chance(0.2),
    oddChance: random.pick([0.2, 0.5, 1]),
    vagueChance: random.pick([0, 0.3, 0.8]),
    forMs: random.between(200, 5000),
  };
}

function weatherOf(random: Random): Weather {
  const chance = () => (random.chance(0.35) ? random.pick([0.05, 0.3, 1]) : 0);
  return {
    unreachable: chance(),
    neverConnects: chance(),
    lostBefore: chance(),
    lostAfter: chance(),
    resetBefore: chance(),
    resetAfter: chance(),
    garbage: chance(),
    late: chance(),
    drops: chance(),
  };
}
