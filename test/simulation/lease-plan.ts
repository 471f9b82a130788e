import { Random } from "../support/random.ts";
import type { Incident, Plan, Settings } from "./incident.ts";
import { payments, processorCountOf, SECOND_MS, type Stresses, settingsOf, summaries, weather } from "./plan-parts.ts";
import { CALM, type DatabaseWeather } from "./virtual-database.ts";

/** What a seed may have in store where partitions are kept by lease: see STRESSES of the other plan. */
const STRESSES = [
  "kill",
  "stop",
  "twice",
  "leave",
  "late",
  "link",
  "network",
  "processor",
  "odd",
  "purge",
  "wall",
  "skew",
  "burst",
  "weather",
  "outage",
  "cut",
  "standby",
  "cancel",
  "crash",
  "failover",
] as const;

const CHANCES: Partial<Record<(typeof STRESSES)[number], number>> = { twice: 0.1, late: 0.2, burst: 0.25, purge: 0.2 };

/** Instances and partitions. */
const SIZES = [
  [1, 2],
  [2, 2],
  [2, 2],
  [2, 3],
  [3, 3],
  [3, 6],
  [4, 4],
  [4, 6],
] as const;

/** Around the length of a lease, and far beyond it. */
const STOPS_MS = [700, 2500, 3500, 6000, 15_000];

/** What a seed stands for with partitions by lease in a database. */
export function leasePlanOf(seed: number): Plan {
  const random = new Random(seed ^ 0x0da7a);
  const isCalm = random.chance(0.05);
  const stresses: Stresses = new Set(
    STRESSES.filter((stress) => !isCalm && random.chance(CHANCES[stress] ?? (stress === "kill" ? 0.5 : 0.3))),
  );
  const durationMs = random.between(4, 18) * SECOND_MS;
  const processorCount = processorCountOf(seed);
  const settings = leaseSettingsOf(random, stresses, durationMs, processorCount);
  const incidents = [
    ...payments(random, stresses, durationMs, isCalm, settings.retainCount === 0),
    ...summaries(random, durationMs),
    ...endings(random, stresses, durationMs, settings),
    ...databaseFaults(random, stresses, durationMs, settings),
    ...weather(random, stresses, durationMs, isCalm, processorCount),
  ];
  incidents.push(...looks(random, durationMs, incidents));
  incidents.sort((a, b) => a.atMs - b.atMs);
  return { seed, settings, incidents };
}

function leaseSettingsOf(random: Random, stresses: Stresses, durationMs: number, processorCount: number): Settings {
  const [instanceCount, partitionCount] = random.pick(SIZES);
  const each = (make: () => number): number[] => Array.from({ length: instanceCount }, make);
  const ofEach = (stress: string, make: () => number): number[] => (stresses.has(stress) ? each(make) : []);
  return {
    ...settingsOf(random, stresses),
    mode: "lease",
    instanceCount,
    partitionCount,
    processorCount,
    polls: false,
    // What is acknowledged is as durable as the database makes it.
    syncs: false,
    callTimeoutMs: random.pick([400, 1500, 5000]),
    fetchBytes: random.pick([1, 200, 2000, 1_000_000]),
    wallSkewsMs: ofEach("skew", () => random.between(-4000, 4000)),
    startsAfterMs: ofEach("late", () => random.pick([0, 0, 2000, 5000, durationMs - 1000])),
    faultsEndAtMs: durationMs,
  };
}

/** Questions about payments, many of them when a lease may have passed from one to another. */
function looks(random: Random, durationMs: number, incidents: readonly Incident[]): Incident[] {
  const look = (atMs: number): Incident => ({ kind: "look", atMs, payment: random.below(40) });
  const away = incidents.filter(({ kind }) => kind === "stop" || kind === "database away" || kind === "mute");
  return [
    ...Array.from({ length: random.below(20) }, () => look(random.below(durationMs + 3 * SECOND_MS))),
    ...away.flatMap(({ atMs }) => Array.from({ length: 10 }, () => look(atMs + random.between(2500, 5000)))),
  ];
}

/** Ends and pauses of instances, and what they say to each other. */
function endings(random: Random, stresses: Stresses, durationMs: number, { instanceCount }: Settings): Incident[] {
  const incidents: Incident[] = [];
  const some = manyOf(random, stresses, incidents);
  const when = () => ({ atMs: random.below(durationMs), instance: random.below(instanceCount) });
  const downMs = () => random.pick([0, 5, 400, 3000, 9000]);
  some("kill", 3, () => ({ kind: "kill", ...when(), downMs: downMs() }));
  if (random.chance(0.1))
    some("kill", 1, () => ({ kind: "kill all", atMs: random.below(durationMs), downMs: downMs() }));
  some("leave", 3, () => ({ kind: "leave", ...when(), downMs: downMs() }));
  some("stop", 3, () => {
    const stop = { kind: "stop" as const, ...when(), forMs: random.pick(STOPS_MS) };
    if (random.chance(0.3)) incidents.push(slowHost(stop.atMs, stop.forMs, stop.instance));
    return stop;
  });
  some("twice", 1, () => ({ kind: "start twice", ...when() }));
  some("link", 2, () => ({ kind: "mute", ...when(), forMs: random.pick([30, 700, 1500, 4000]) }));
  some("link", 2, () => {
    const [lossChance, lateMsMax] = [random.pick([0, 0.1, 0.5, 1]), random.pick([0, 30, 1000])];
    return { kind: "link", atMs: random.below(durationMs), lossChance, lateMsMax, forMs: random.between(10, 4000) };
  });
  some("wall", 2, () => {
    const stepMs = random.between(-5, 5) * random.pick([7, 1000]);
    return { kind: "wall clock", atMs: random.below(durationMs), stepMs };
  });
  some("purge", 2, () => ({ kind: "purge", atMs: random.below(durationMs) }));
  return incidents;
}

function databaseFaults(
  random: Random,
  stresses: Stresses,
  durationMs: number,
  { instanceCount }: Settings,
): Incident[] {
  const incidents: Incident[] = [];
  const some = manyOf(random, stresses, incidents);
  const atMs = () => random.below(durationMs);
  const forMs = () => random.pick([20, 300, 1000, 2500, 4500, 9000]);
  const reach = () => random.pick(["refuses", "hangs"] as const);
  some("weather", 3, () => {
    const of = random.chance(0.5) ? random.below(instanceCount) : "all";
    const forMs = random.between(50, 6000);
    return { kind: "database weather", atMs: atMs(), of, weather: databaseWeatherOf(random), forMs };
  });
  some("outage", 2, () => ({ kind: "database away", atMs: atMs(), reach: reach(), from: "all", forMs: forMs() }));
  some("cut", 2, () => {
    return { kind: "database away", atMs: atMs(), reach: reach(), from: random.below(instanceCount), forMs: forMs() };
  });
  some("standby", 2, () => ({ kind: "standby away", atMs: atMs(), forMs: forMs() }));
  some("cancel", 3, () => ({ kind: "waits cancelled", atMs: atMs() }));
  some("crash", 2, () => ({ kind: "database crash", atMs: atMs(), downMs: random.pick([5, 300, 2000]) }));
  some("failover", 1, () => vanishing(random, incidents, atMs()));
  some("failover", 2, () => {
    const instances = Array.from({ length: instanceCount }, (_, instance) => instance);
    const stale = random.chance(0.5) ? instances.filter(() => random.chance(0.4)) : [];
    const times = { downMs: random.pick([0, 100, 1500]), staleMs: random.pick([300, 3000, 6000]) };
    return { kind: "failover", atMs: atMs(), stale, ...times };
  });
  return incidents;
}

/** All answers to an instance are late before it is stopped, meanwhile, and after it goes on. */
function slowHost(atMs: number, forMs: number, instance: number): Incident {
  const weather = { ...CALM, lateReply: 1 };
  return { kind: "database weather", atMs: Math.max(0, atMs - 1500), of: instance, weather, forMs: forMs + 4000 };
}

/** What is committed while the standby is away, and seen by all, is gone when that one is promoted. */
function vanishing(random: Random, incidents: Incident[], atMs: number): Incident {
  const cancelledAtMs = atMs + random.between(1, 3000);
  const promotedAtMs = cancelledAtMs + random.pick([1, 20, 200, 1500]);
  incidents.push({ kind: "waits cancelled", atMs: cancelledAtMs });
  // Somebody may be reading along then.
  if (random.chance(0.5))
    incidents.push({ kind: "leave", atMs: cancelledAtMs + random.below(100), instance: 0, downMs: 400 });
  incidents.push({ kind: "failover", atMs: promotedAtMs, downMs: random.pick([0, 100]), stale: [], staleMs: 0 });
  return { kind: "standby away", atMs, forMs: promotedAtMs - atMs + 1 };
}

function databaseWeatherOf(random: Random): DatabaseWeather {
  const chance = () => (random.chance(0.4) ? random.pick([0.02, 0.1, 0.4]) : 0);
  const failedAppends = random.pick([0, 0, 0.7, 0.9, 1]);
  // A checkpoint that takes its time meets them.
  if (failedAppends > 0 && random.chance(0.5)) return { ...CALM, failedAppends, delayMsMax: random.pick([20, 100]) };
  return {
    lostRequest: chance(),
    lateRequest: chance(),
    lostReply: chance(),
    lateReply: chance(),
    failed: chance(),
    failedAppends,
    cancelled: chance(),
    delayMsMax: random.pick([0, 0, 20, 300]),
  };
}

function manyOf(random: Random, stresses: Stresses, incidents: Incident[]) {
  return (stress: string, countMax: number, make: () => Incident): void => {
    if (!stresses.has(stress)) return;
    for (let count = random.between(1, countMax); count > 0; count--) incidents.push(make());
  };
}
