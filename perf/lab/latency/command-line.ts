import { parseArgs } from "node:util";
import { readUrl } from "../../audit/command-line.ts";
import { readDecimal, readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/limited-topology.ts";
import type { Target } from "../contest/measurement.ts";
import type { Pacing } from "../load/pacer.ts";

export const USAGE = `The latency of accepting payments at constant rates, against the floor: the same nginx and processes that only say 202.

  npm run perf:latency -- [options]

  --rates LIST             payments per second, one after the other           (500,2000)
  --rounds COUNT           of each, taking turns                                     (5)
  --seconds SECONDS        of each round                                            (10)
  --lead-in SECONDS        before what counts, in each round, at its rate            (1)
  --warm-up SECONDS        before the first round, at the highest rate               (3)
  --pacing NAME            thread: exact to 0.1 ms; timer: 1 ms, half the CPU   (thread)
  --no-floor               only ours
${LIMIT_USAGE}

Payments leave on schedule, whatever the answers do, and latency counts from when each was due. After each round of ours everything
accepted must be charged exactly once.

Against any other entry, with or without the floor (whose limits the options then are):
  --target URL             the service: http://localhost:9999
  --default URL            its processors, both of them: then what was charged is checked
  --fallback URL
  --token TOKEN            the processors' admin token                             (123)

${OUTPUT_USAGE}
  --help
`;

export type LatencyOptions = {
  readonly rates: readonly number[];
  readonly roundCount: number;
  readonly durationMs: number;
  readonly leadInMs: number;
  readonly warmUpMs: number;
  readonly pacing: Pacing;
  readonly hasFloor: boolean;
  readonly limits: Limits | undefined;
};

export type CommandLine = {
  readonly options: LatencyOptions;
  readonly target: OtherTarget | undefined;
  readonly outDir: string | undefined;
};

export type OtherTarget = {
  readonly service: URL;
  /** `undefined`: what was charged cannot be checked. */
  readonly books: Target | undefined;
};

const RATES_MAX = 10;
export const RATE_MAX = 50_000;

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[]): CommandLine | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args,
    options: {
      rates: text,
      rounds: text,
      seconds: text,
      "lead-in": text,
      "warm-up": text,
      pacing: text,
      "no-floor": flag,
      target: text,
      default: text,
      fallback: text,
      token: text,
      help: flag,
      ...LIMIT_OPTIONS,
      ...OUTPUT_OPTIONS,
    },
  });
  if (values.help === true) return "help";
  const pacing = values.pacing ?? "thread";
  if (pacing !== "thread" && pacing !== "timer") throw new Error(`pacing must be thread or timer: pacing=${pacing}`);
  const options: LatencyOptions = {
    rates: readRates(values.rates ?? "500,2000"),
    roundCount: readWholeNumber("rounds", values.rounds ?? "5", 1, 100),
    durationMs: readDecimal("seconds", values.seconds ?? "10", 0.5, 600) * 1000,
    leadInMs: readDecimal("lead-in", values["lead-in"] ?? "1", 0, 60) * 1000,
    warmUpMs: readDecimal("warm-up", values["warm-up"] ?? "3", 0, 60) * 1000,
    pacing,
    hasFloor: values["no-floor"] !== true,
    limits: readLimits(values),
  };
  return { options, target: readTarget(values), outDir: readOutDir(values) };
}

function readRates(text: string): number[] {
  const rates = text.split(",").map((rate) => readDecimal("rates", rate, 1, RATE_MAX));
  if (rates.length > RATES_MAX) throw new Error(`rates must be at most ${RATES_MAX}: rates=${text}`);
  return rates;
}

type TargetValues = Readonly<Partial<Record<"target" | "default" | "fallback" | "token", string>>>;

function readTarget(values: TargetValues): OtherTarget | undefined {
  const { target, default: ofDefault, fallback: ofFallback, token } = values;
  if (target === undefined) {
    for (const name of ["default", "fallback", "token"] as const) {
      if (values[name] !== undefined) throw new Error(`${name} must come with --target: ${name}=${values[name]}`);
    }
    return undefined;
  }
  const service = readUrl("target", target);
  if (ofDefault === undefined && ofFallback === undefined) return { service, books: undefined };
  if (ofDefault === undefined || ofFallback === undefined) {
    throw new Error(`default and fallback must come together: default=${ofDefault} fallback=${ofFallback}`);
  }
  const processors = { default: readUrl("default", ofDefault), fallback: readUrl("fallback", ofFallback) };
  return { service, books: { service, processors, token: token ?? "123" } };
}
