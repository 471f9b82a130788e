import { Random } from "../support/random.ts";
import type { Incident, Plan, Settings } from "./incident.ts";
import { crowd, payments, processorCountOf, SECOND_MS, settingsOf, summaries, weather } from "./plan-parts.ts";

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

/** What a seed stands for with journals on a disk that all share. */
export function journalPlanOf(seed: number): Plan {
  const random = new Random(seed);
  const isCalm = random.chance(0.06);
  const stresses = new Set<Stress>(STRESSES.filter((stress) => !isCalm && random.chance(CHANCES[stress] ?? 0.45)));
  const polls = random.chance(0.1);
  // Polls are seconds apart, everything else is over in milliseconds.
  const durationMs = durationOf(random, stresses, polls);
  const processorCount = processorCountOf(seed);
  const settings: Settings = {
    ...settingsOf(random, stresses),
    mode: "journal",
    processorCount,
    polls,
    faultsEndAtMs: durationMs,
  };
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
