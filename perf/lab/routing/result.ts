import { figure } from "../report/figure.ts";
import type { Chart, Figure, Measured } from "../report/result.ts";
import type { RoutingOptions } from "./command-line.ts";
import { OURS, type PolicyOutcome, type WeatherOutcome, worstWeathers } from "./compare-policies.ts";
import { type RunResult, runWeather } from "./run.ts";
import { CLIMATE, randomWeather, type Spell, type Weather } from "./weather.ts";

/** Basis points below the optimum. */
const CONTEST_BP_MAX = 15;
const RANDOM_BP_MAX = 40;
const LAG_SHARE_MAX = 0.001;
/** Of the weathers in which two policies differ, by more than this. */
const DIFFERS_BP = 0.01;
const NEARLY_BP = 2;
const NEARLY_SHARE_MIN = 0.85;
const WORST_SHOWN = 3;

export type RoutingOutcomes = {
  readonly contest: readonly { weather: Weather; outcome: WeatherOutcome }[];
  readonly random: readonly WeatherOutcome[];
};

export function routingResult(options: RoutingOptions, { contest, random }: RoutingOutcomes): Measured {
  const { seeds, half } = options;
  const { length: count } = random;
  const what = [
    ...contest.map(({ weather }) => weather.name),
    ...(count > 0 ? [`${count} random weathers (${half})`] : []),
  ];
  const worst = [...random].sort((a, b) => ofPolicy(b, OURS).lossBp - ofPolicy(a, OURS).lossBp).slice(0, WORST_SHOWN);
  const shown = [
    ...contest.map(({ weather }) => weather),
    ...worst.map(({ weather }) => randomWeather(seedOf(weather))),
  ];
  return {
    kind: "routing",
    title: `routing in virtual time: ${what.join(", ")}`,
    options: { ...options, seeds: seeds.length === 0 ? [] : [seeds[0], seeds.at(-1)] },
    figures: [...contest.flatMap(({ outcome }) => contestFigures(outcome)), ...randomFigures(options, random)],
    remarks: [...contest.flatMap(({ outcome }) => contestRemarks(outcome)), ...randomRemarks(options, random)],
    charts: shown.flatMap(chartsOf),
    details: { climate: CLIMATE, contest: contest.map(({ outcome }) => outcome), random, worst: worstWeathers(random) },
  };
}

function ofPolicy({ policies }: WeatherOutcome, name: string): PolicyOutcome {
  return policies.find(({ policy }) => policy === name)!;
}

function seedOf(weather: string): number {
  return Number(weather.split(" ")[1]);
}

function contestFigures({ weather, policies }: WeatherOutcome): Figure[] {
  return policies.flatMap(
    ({ policy, lossBp, inTimeCount, paymentCount, lagCount, perProcessor, switchCount, doubtCount }) => {
      const of = (name: string, unit: string, better: Figure["better"], value: number): Figure =>
        figure(`${weather}, ${policy}: ${name}`, unit, better, [value]);
      return [
        of("below the optimum", "bp", "lower", lossBp),
        of("settled in time", "%", "higher", (inTimeCount / paymentCount) * 100),
        of("lag at the end", "payments", "lower", lagCount),
        ...perProcessor.map((count, p) => of(`by processor ${p + 1}`, "payments", p === 0 ? "higher" : "lower", count)),
        of("switches", "times", "lower", switchCount),
        of("put in doubt", "payments", "lower", doubtCount),
      ];
    },
  );
}

function randomFigures({ policies }: RoutingOptions, random: readonly WeatherOutcome[]): Figure[] {
  if (random.length === 0) return [];
  return policies.flatMap((policy) => {
    const outcomes = random.map((outcome) => ofPolicy(outcome, policy));
    const losses = outcomes.map(({ lossBp }) => lossBp).sort((a, b) => a - b);
    const at = (share: number): number => losses[Math.min(losses.length - 1, Math.floor(share * losses.length))]!;
    const of = (name: string, unit: string, better: Figure["better"], value: number): Figure =>
      figure(`random, ${policy}: ${name}`, unit, better, [value]);
    const mean = (pick: (outcome: PolicyOutcome) => number): number =>
      outcomes.reduce((sum, outcome) => sum + pick(outcome), 0) / outcomes.length;
    return [
      of(
        "below the optimum, mean",
        "bp",
        "lower",
        mean(({ lossBp }) => lossBp),
      ),
      of("below the optimum, median", "bp", "lower", at(0.5)),
      of("below the optimum, p95", "bp", "lower", at(0.95)),
      of("below the optimum, worst", "bp", "lower", at(1)),
      of(
        "settled in time, mean",
        "%",
        "higher",
        mean((outcome) => (outcome.inTimeCount / outcome.paymentCount) * 100),
      ),
      of(
        "lag at the end, mean",
        "%",
        "lower",
        mean((outcome) => (outcome.lagCount / outcome.paymentCount) * 100),
      ),
      of(
        "switches, mean",
        "times",
        "lower",
        mean(({ switchCount }) => switchCount),
      ),
      of(
        "put in doubt, mean",
        "payments",
        "lower",
        mean(({ doubtCount }) => doubtCount),
      ),
      of(
        "answered 429, mean",
        "times",
        "lower",
        mean(({ refusedCount }) => refusedCount),
      ),
      ...(policy === OURS
        ? []
        : [of(`ours within ${NEARLY_BP} bp of it or better`, "%", "higher", nearlyShare(random, policy) * 100)]),
    ];
  });
}

/** Of the weathers in which the two differ, those in which ours is nearly as good or better. */
function nearlyShare(random: readonly WeatherOutcome[], other: string): number {
  const differences = random
    .map((outcome) => ofPolicy(outcome, OURS).lossBp - ofPolicy(outcome, other).lossBp)
    .filter((difference) => Math.abs(difference) > DIFFERS_BP);
  if (differences.length === 0) return 1;
  return differences.filter((difference) => difference <= NEARLY_BP).length / differences.length;
}

function contestRemarks(outcome: WeatherOutcome): string[] {
  const { lossBp, lagCount, paymentCount } = ofPolicy(outcome, OURS);
  const rows = [
    missed(
      lossBp <= CONTEST_BP_MAX,
      `${outcome.weather}: at most ${CONTEST_BP_MAX} bp below the optimum: ${lossBp.toFixed(2)}`,
    ),
    missed(lagCount <= LAG_SHARE_MAX * paymentCount, `${outcome.weather}: at most 0.1 % lag: ${lagCount} payments`),
  ];
  return rows.flat();
}

function randomRemarks({ policies }: RoutingOptions, random: readonly WeatherOutcome[]): string[] {
  if (random.length === 0) return [];
  const meanOf = (policy: string): number =>
    random.reduce((sum, outcome) => sum + ofPolicy(outcome, policy).lossBp, 0) / random.length;
  const ours = meanOf(OURS);
  return [
    ...missed(ours <= RANDOM_BP_MAX, `random: at most ${RANDOM_BP_MAX} bp in the mean: ${ours.toFixed(2)}`),
    ...policies.slice(1).flatMap((policy) => {
      const share = nearlyShare(random, policy);
      return [
        ...missed(ours < meanOf(policy), `random: better in the mean than ${policy}: ${ours.toFixed(2)} bp`),
        ...missed(
          share >= NEARLY_SHARE_MIN,
          `random: within 2 bp of ${policy} or better in 85 %: ${(share * 100).toFixed(2)} %`,
        ),
      ];
    }),
  ];
}

function missed(isReached: boolean, goal: string): string[] {
  return isReached ? [] : [`MISSED: ${goal}`];
}

function chartsOf(weather: Weather): Chart[] {
  const result = runWeather(weather, undefined);
  const x = { label: "seconds from the beginning", scale: "linear" } as const;
  const perS = (counts: readonly number[]) => counts.map((count, second) => [second, count] as const);
  return [
    {
      title: `${weather.name}: payments sent, by processor`,
      x,
      y: { label: "1/s", scale: "linear" },
      series: result.sentPerS.map((counts, p) => ({ label: labelOf(weather, p), points: perS(counts) })),
      bands: bandsOf(weather),
    },
    {
      title: `${weather.name}: payments waiting`,
      x,
      y: { label: "payments", scale: "linear" },
      series: [{ label: "waiting", points: perS(result.waitingAtS as RunResult["waitingAtS"]) }],
    },
  ];
}

function labelOf({ processors }: Weather, processor: number): string {
  return `processor ${processor + 1}, ${processors[processor]!.feePpm / 1e4} %`;
}

/** What the cheapest processor is like. */
function bandsOf({ processors, durationMs }: Weather): NonNullable<Chart["bands"]> {
  const { spells } = processors[0]!;
  return spells
    .filter(({ atMs }) => atMs < durationMs)
    .map((spell, i) => ({
      from: spell.atMs / 1000,
      to: Math.min(durationMs, spells[i + 1]?.atMs ?? durationMs) / 1000,
      label: spellText(spell),
    }));
}

function spellText({ delayMs, failing, capacity, queue }: Spell): string {
  return `processor 1: ${delayMs} ms${failing ? " failing" : ""}, ${capacity} at once, ${queue} wait`;
}
