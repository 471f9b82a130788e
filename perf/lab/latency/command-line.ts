import { type CommandLine, flags, texts } from "../../command/command-line.ts";
import { readDecimal } from "../../command/number-options.ts";
import type { OtherTarget } from "../contenders/contender.ts";
import {
  CONTAINERS_OPTION,
  CONTAINERS_USAGE,
  LIMIT_OPTIONS,
  LIMIT_USAGE,
  readInContainers,
  readLimits,
} from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/named-groups.ts";
import { ROUND_OPTIONS, type RoundOptions, readRoundOptions } from "../contenders/round-options.ts";
import { readTarget, TARGET_OPTIONS, TARGET_USAGE } from "../contenders/target-options.ts";
import type { Pacing } from "../load/load-round.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `The latency of accepting payments at constant rates, against two floors: the same nginx and processes
that only answer 202; and the same while another process sends as many payments to the processors.

  npm run perf:latency -- [options]

  --rates LIST             payments per second, one after the other           (500,2000)
  --rounds COUNT           of each, taking turns                                     (5)
  --seconds SECONDS        of each round                                            (10)
  --lead-in SECONDS        before what counts, in each round, at its rate            (1)
  --warm-up SECONDS        before the first round, at the highest rate               (3)
  --pacing NAME            thread: exact to 0.1 ms; timer: 1 ms, half the CPU   (thread)
  --no-floor               only our service
${CONTAINERS_USAGE}
${LIMIT_USAGE}

Payments leave on schedule, whatever the answers do, and latency counts from when each was due. After each round of
our service everything accepted must be charged exactly once.

${TARGET_USAGE}

${OUTPUT_USAGE}
  --help
`;

export type LatencyOptions = RoundOptions & {
  readonly rates: readonly number[];
  readonly pacing: Pacing;
  readonly hasFloor: boolean;
  readonly limits: Limits | undefined;
};

export type LatencyWish = {
  readonly options: LatencyOptions;
  readonly target: OtherTarget | undefined;
  readonly inContainers: boolean;
};

const RATES_MAX = 10;
const RATE_MAX = 50_000;

const OPTIONS = {
  ...texts("rates", "pacing"),
  ...flags("no-floor"),
  ...ROUND_OPTIONS,
  ...CONTAINERS_OPTION,
  ...LIMIT_OPTIONS,
  ...TARGET_OPTIONS,
};

export const LATENCY_COMMAND: CommandLine<typeof OPTIONS, LatencyWish> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const options: LatencyOptions = {
      rates: readRates(values.rates ?? "500,2000"),
      pacing: readPacing(values.pacing ?? "thread"),
      hasFloor: values["no-floor"] !== true,
      ...readRoundOptions(values, { rounds: "5", seconds: "10", leadIn: "1" }),
      limits: readLimits(values),
    };
    return { options, target: readTarget(values), inContainers: readInContainers(values) };
  },
};

/** `500,2000`. Throws a one-line `rule: name=value` error on anything else. */
export function readRates(text: string): number[] {
  const rates = text.split(",").map((rate) => readDecimal("rates", rate, 1, RATE_MAX));
  if (rates.length > RATES_MAX) throw new Error(`rates must be at most ${RATES_MAX}: rates=${text}`);
  return rates;
}

/** Throws a one-line `rule: name=value` error on anything else. */
export function readPacing(pacing: string): Pacing {
  if (pacing !== "thread" && pacing !== "timer") throw new Error(`pacing must be thread or timer: pacing=${pacing}`);
  return pacing;
}
