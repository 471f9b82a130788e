import { HEADER_BYTES } from "../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import { PROCESSORS_MAX } from "../../core/values/processor.ts";
import { Random } from "../support/random.ts";
import type { Incident, Plan, Settings, Weather } from "./incident.ts";

/**
 * What a seed may have in store. A seed has some of them, so that each is also met without the others (swarm testing,
 * Groce 2012).
 */
const STRESSES = [
  "kill",
  "diskKill",
  "diskFull",
  "diskFails",
  "power",
  "stop",
  "twice",
  "leave",
  "link",
  "long",
  "network",
  "processor",
  "odd",
  "purge",
  "wall",
  "burst",
  "crowd",
] as const;
type Stress = (typeof STRESSES)[number];

/** Where it is not the usual one. */
const CHANCES: Partial<Record<Stress, number>> = { crowd: 0.01, twice: 0.1, long: 0.12 };

const SECOND_MS = 1000;
const CROWD_PAYMENTS = 250;
/** Numbers that no other payment has. */
const FIRST_OF_CROWD = 1000;

/** Everything a seed stands for but the chances of single messages. */
export function planOf(seed: number): Plan {
  const random = new Random(seed);
  const isCalm = random.chance(0.06);
  const stresses = new Set<Stress>(STRESSES.filter((stress) => !isCalm && random.chance(CHANCES[stress] ?? 0.45)));
  const polls = random.chance(0.1);
  // Polls are seconds apart, everything else is over in milliseconds.
  const durationMs = durationOf(random, stresses, polls);
  const processorCount = processorCountOf(seed);
  const settings = { ...settingsOf(random, stresses), processorCount, polls, faultsEndAtMs: durationMs };
  const incidents = [
    ...payments(random, stresses, durationMs, isCalm, settings.retainCount === 0),
    ...summaries(random, durationMs),
    ...crashes(random, stresses, durationMs, settings),
    ...weather(random, stresses, durationMs, isCalm, processorCount),
    ...lastWords(random, stresses, durationMs, settings),
    ...(stresses.has("crowd") ? crowd(random, durationMs, processorCount) : []),
  ];
  incidents.sort((a, b) => a.atMs - b.atMs);
  return { seed, settings, incidents };
}

/** A partition goes back to an instance that has been there for five seconds: only in a long run. */
function durationOf(random: Random, stresses: ReadonlySet<Stress>, polls: boolean): number {
  if (polls) return random.between(15, 40) * SECOND_MS;
  return (stresses.has("long") ? random.between(8, 16) : random.between(1, 6)) * SECOND_MS;
}

/** Instances and partitions: mostly two and two, as in the contest. */
const SIZES = [
  [1, 2],
  [2, 3],
  [3, 3],
  [3, 6],
] as const;

/** Mostly two, as in the contest. Chances of its own, so that a seed with two is the same whatever the others are. */
function processorCountOf(seed: number): number {
  const random = new Random(~seed);
  return random.chance(0.8) ? 2 : random.pick([1, 3, PROCESSORS_MAX]);
}

function settingsOf(
  random: Random,
  stresses: ReadonlySet<Stress>,
): Omit<Settings, "processorCount" | "polls" | "faultsEndAtMs"> {
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
  };
}

function payments(
  random: Random,
  stresses: ReadonlySet<Stress>,
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
function crowd(random: Random, durationMs: number, processorCount: number): Incident[] {
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

function summaries(random: Random, durationMs: number): Incident[] {
  return Array.from({ length: random.below(6) }, () => ({
    kind: "summary" as const,
    atMs: random.below(durationMs + 3 * SECOND_MS),
    fromMs: random.chance(0.3) ? Number.NEGATIVE_INFINITY : random.below(durationMs),
    // A negative end is before the time of asking: near the watermark, where it is decided what is final.
    toMs: random.chance(0.6) ? -random.below(60) : random.below(durationMs),
  }));
}

function crashes(
  random: Random,
  stresses: ReadonlySet<Stress>,
  durationMs: number,
  { syncs, instanceCount, polls }: Settings,
): Incident[] {
  const incidents: Incident[] = [];
  const some = (stress: Stress, countMax: number, make: () => Incident) => {
    if (!stresses.has(stress)) return;
    for (let count = random.between(1, countMax); count > 0; count--) incidents.push(make());
  };
  const when = () => ({ atMs: random.below(durationMs), instance: random.below(instanceCount) });
  const downMs = () => random.pick([0, 5, 50, 400, 3000]);
  some("kill", 3, () => ({ kind: "kill", ...when(), downMs: downMs() }));
  some("diskKill", 4, () => {
    const fraction = random.bits() / 2 ** 32;
    return { kind: "kill in disk operation", ...when(), operation: random.below(24), fraction, downMs: downMs() };
  });
  const atMs = () => random.below(durationMs);
  if (syncs)
    some(stresses.has("diskFails") ? "diskFails" : "power", 3, () => ({
      kind: "lose power",
      atMs: atMs(),
      downMs: downMs(),
    }));
  if (random.chance(0.2)) some("kill", 2, () => ({ kind: "kill all", atMs: atMs(), downMs: downMs() }));
  some("leave", 3, () => ({ kind: "leave", ...when(), downMs: downMs() }));
  some("link", 2, () => ({ kind: "mute", ...when(), forMs: random.pick([30, 700, 1500, 4000]) }));
  some("link", 2, () => {
    const [lossChance, lateMsMax] = [random.pick([0, 0.1, 0.5, 1]), random.pick([0, 30, 1000])];
    return { kind: "link", atMs: atMs(), lossChance, lateMsMax, forMs: random.between(10, 4000) };
  });
  some("twice", 1, () => ({ kind: "start twice", ...when() }));
  some("stop", 2, () => ({ kind: "stop", ...when(), forMs: random.pick([30, 700, 3000, polls ? 25_000 : 6000]) }));
  some("diskFails", 2, () => ({ kind: "sync fails", atMs: atMs(), operation: random.below(6) }));
  some("diskFails", 1, () => ({ kind: "read fails", atMs: atMs(), operation: random.below(10) }));
  some("diskFull", 2, () => {
    const roomBytes = random.below(random.pick([2, 100, 400]));
    return { kind: "disk full", atMs: atMs(), roomBytes, forMs: random.between(1, 2000) };
  });
  some("wall", 2, () => ({
    kind: "wall clock",
    atMs: random.below(durationMs),
    stepMs: random.between(-5, 5) * random.pick([7, 1000]),
  }));
  some("purge", 2, () => ({ kind: "purge", atMs: random.below(durationMs) }));
  return incidents;
}

/**
 * An instance ends just after it has told a summary, and perhaps somebody sets the clock back before it starts again.
 */
function lastWords(
  random: Random,
  stresses: ReadonlySet<Stress>,
  durationMs: number,
  { instanceCount, syncs }: Settings,
): Incident[] {
  const isPower = syncs && stresses.has("power");
  if (!isPower && !stresses.has("kill")) return [];
  const incidents: Incident[] = [];
  for (let count = random.below(3); count > 0; count--) {
    const atMs = random.below(durationMs);
    const end = { atMs: atMs + random.below(8), downMs: random.pick([0, 5, 50]) };
    incidents.push({
      kind: "summary",
      atMs,
      fromMs: Number.NEGATIVE_INFINITY,
      toMs: -random.between(1, 30),
    });
    if (isPower && random.chance(0.5)) incidents.push({ kind: "lose power", ...end });
    else incidents.push({ kind: "kill", ...end, instance: random.below(instanceCount) });
    if (stresses.has("wall"))
      incidents.push({ kind: "wall clock", atMs: end.atMs, stepMs: -random.pick([20, 200, 3000]) });
  }
  return incidents;
}

function weather(
  random: Random,
  stresses: ReadonlySet<Stress>,
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
