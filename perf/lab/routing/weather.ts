import { CONTEST_SCRIPTS, type ContestScript } from "../contest/scripts.ts";
import { SeededRandom } from "./random.ts";

/** How a processor behaves from a moment on. */
export type Spell = {
  readonly atMs: number;
  readonly delayMs: number;
  readonly failing: boolean;
  /** Requests it works on at once; so many more wait; others get 429. */
  readonly capacity: number;
  readonly queue: number;
};

export type ProcessorWeather = {
  readonly feePpm: number;
  /** In order, the first at 0. */
  readonly spells: readonly Spell[];
};

export type Weather = {
  readonly name: string;
  readonly durationMs: number;
  readonly processors: readonly ProcessorWeather[];
  /** When payments are accepted, in order. */
  readonly arrivalsMs: Float64Array;
  readonly settleWithinMs: number;
  readonly answerWithinMs: number;
  readonly waitsForSlow: boolean;
};

/** Of the contest's processors. */
export const CAPACITY = 800;
export const QUEUE = 500;

/** A script of the contest, with the contest profile's settings. */
export function contestWeather(script: ContestScript, settleWithinMs: number, answerWithinMs: number): Weather {
  const { load, stages, fees } = script;
  const spellsOf = (role: "default" | "fallback"): Spell[] =>
    stages.map((stage) => ({ atMs: stage.atMs, ...stage[role], capacity: CAPACITY, queue: QUEUE }));
  const arrivals: number[] = [];
  for (let user = 0; user < load.userCount; user++) {
    const fromMs = (user * load.durationMs) / load.userCount;
    for (let atMs = fromMs; atMs < load.durationMs; atMs += load.sleepMs + 1) arrivals.push(atMs);
  }
  return {
    name: script.name,
    durationMs: load.durationMs,
    processors: (["default", "fallback"] as const).map((role) => ({
      feePpm: Math.round(fees[role] * 1e6),
      spells: spellsOf(role),
    })),
    arrivalsMs: Float64Array.from(arrivals).sort(),
    settleWithinMs,
    answerWithinMs,
    waitsForSlow: false,
  };
}

export function contestWeathers(settleWithinMs: number, answerWithinMs: number): Weather[] {
  return Object.values(CONTEST_SCRIPTS).map((script) => contestWeather(script, settleWithinMs, answerWithinMs));
}

/** What a processor can be like, how long it stays so in the mean, and how often that follows on health. */
export const CLIMATE = {
  healthy: { stayMs: 60_000, weight: 0, what: "its usual delay, 2 to 60 ms" },
  delayed: { stayMs: 20_000, weight: 30, what: "50 to 500 ms more" },
  slow: { stayMs: 15_000, weight: 15, what: "1 to 4 s more" },
  failing: { stayMs: 15_000, weight: 20, what: "500 after its usual delay" },
  "failing and slow": { stayMs: 10_000, weight: 10, what: "500 after 1 to 5 s" },
  squeezed: {
    stayMs: 15_000,
    weight: 15,
    what: "works on 2 to 20 at once, at 20 to 200 ms each; 0 to 20 wait, others get 429",
  },
  hanging: { stayMs: 8000, weight: 10, what: "answers after 15 to 30 s, which is after our timeout" },
} as const;

type Condition = keyof typeof CLIMATE;
const CONDITIONS = Object.keys(CLIMATE) as Condition[];
/** After trouble: back to health, or some other trouble. */
const RECOVERS = 0.8;

/** A random weather: everything in it follows from the seed. */
export function randomWeather(seed: number): Weather {
  const random = new SeededRandom(seed);
  const durationMs = random.between(60, 240) * 1000;
  const processorCount = random.between(2, 5);
  let feePpm = random.between(10, 60) * 1000;
  const processors: ProcessorWeather[] = [];
  for (let p = 0; p < processorCount; p++) {
    processors.push({ feePpm, spells: spellsOf(random, durationMs) });
    feePpm += random.between(5, 100) * 1000;
  }
  return {
    name: `random ${seed}`,
    durationMs,
    processors,
    arrivalsMs: arrivalsOf(random, durationMs),
    settleWithinMs: random.pick([2000, 5000, 15_000, 30_000, 60_000]),
    answerWithinMs: random.pick([500, 1000, 2000]),
    waitsForSlow: true,
  };
}

function spellsOf(random: SeededRandom, durationMs: number): Spell[] {
  const usualMs = random.between(2, 60);
  const capacity = random.pick([50, 100, 200, 400, 800]);
  const spells: Spell[] = [];
  let condition: Condition = "healthy";
  // What follows the load's end matters for what is still queued then.
  for (let atMs = 0; atMs < durationMs + 90_000; ) {
    spells.push({ atMs, ...behaviourOf(random, condition, usualMs, capacity) });
    atMs += Math.max(500, random.stay(CLIMATE[condition].stayMs));
    condition = nextOf(random, condition);
  }
  return spells;
}

function nextOf(random: SeededRandom, condition: Condition): Condition {
  if (condition !== "healthy" && random.share() < RECOVERS) return "healthy";
  return CONDITIONS[random.weighted(CONDITIONS.map((other) => (other === condition ? 0 : CLIMATE[other].weight)))]!;
}

function behaviourOf(
  random: SeededRandom,
  condition: Condition,
  usualMs: number,
  capacity: number,
): Omit<Spell, "atMs"> {
  const usual = { delayMs: usualMs, failing: false, capacity, queue: QUEUE };
  if (condition === "delayed") return { ...usual, delayMs: usualMs + random.between(50, 500) };
  if (condition === "slow") return { ...usual, delayMs: usualMs + random.between(1000, 4000) };
  if (condition === "failing") return { ...usual, failing: true };
  if (condition === "failing and slow") return { ...usual, failing: true, delayMs: random.between(1000, 5000) };
  if (condition === "squeezed") {
    const squeezed = {
      delayMs: random.between(20, 200),
      capacity: random.between(2, 20),
      queue: random.between(0, 20),
    };
    return { ...usual, ...squeezed };
  }
  if (condition === "hanging") return { ...usual, delayMs: random.between(15_000, 30_000) };
  return usual;
}

/** Steady, ramped or bursty; 10 to 300 payments a second in the mean, each order of magnitude as often. */
function arrivalsOf(random: SeededRandom, durationMs: number): Float64Array {
  const perS = 10 * 30 ** random.share();
  const kind = random.pick(["steady", "ramped", "bursty"] as const);
  const burstMs = random.between(5, 20) * 1000;
  const arrivals: number[] = [];
  for (let atMs = 0; ; ) {
    const share = atMs / durationMs;
    const isBurst = Math.floor(atMs / burstMs) % 4 === 3;
    const rate =
      kind === "steady" ? perS : kind === "ramped" ? perS * (0.1 + 1.9 * share) : perS * (isBurst ? 2.5 : 0.5);
    atMs += random.stay(1000 / rate);
    if (atMs >= durationMs) return Float64Array.from(arrivals);
    arrivals.push(atMs);
  }
}

/** The spell under way. */
export function spellAt(spells: readonly Spell[], atMs: number): Spell {
  let low = 0;
  let high = spells.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (spells[middle]!.atMs <= atMs) low = middle;
    else high = middle - 1;
  }
  return spells[low]!;
}
