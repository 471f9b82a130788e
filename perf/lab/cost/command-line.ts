import { parseArgs } from "node:util";
import { readDecimal, readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/limited-topology.ts";

export const USAGE = `The CPU time a payment costs at a constant rate: nginx and both instances, user and system, without what they take when idle.

  npm run perf:cost -- [options]

  --rate RATE              payments per second                                    (2000)
  --seconds SECONDS        of each load                                             (10)
  --rounds COUNT           of each mode, taking turns                                (3)
  --lead-in SECONDS        before what counts, in each load, at its rate           (1.5)
  --warm-up SECONDS        before the first round                                    (3)
  --idle SECONDS           in each round, to measure what nobody's payment costs     (5)
  --profile SECONDS        of a load of its own under V8's CPU profiler; 0: none    (10)
${LIMIT_USAGE}

The modes: ours with healthy processors; ours with processors that fail, so that payments are accepted and wait: that is the cost of
accepting, and what the healthy mode takes more is the cost of processing; the floor: the same nginx and processes that only say 202.

${OUTPUT_USAGE}
  --help
`;

export type CostOptions = {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  readonly roundCount: number;
  /** Processors that fail are known as down by then. */
  readonly leadInMs: number;
  readonly warmUpMs: number;
  readonly idleMs: number;
  readonly profileMs: number;
  readonly limits: Limits | undefined;
};

export type CommandLine = {
  readonly options: CostOptions;
  readonly outDir: string | undefined;
};

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[]): CommandLine | "help" {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      rate: text,
      seconds: text,
      rounds: text,
      "lead-in": text,
      "warm-up": text,
      idle: text,
      profile: text,
      help: { type: "boolean" },
      ...LIMIT_OPTIONS,
      ...OUTPUT_OPTIONS,
    },
  });
  if (values.help === true) return "help";
  const options: CostOptions = {
    ratePerSecond: readDecimal("rate", values.rate ?? "2000", 1, 50_000),
    durationMs: readDecimal("seconds", values.seconds ?? "10", 0.5, 600) * 1000,
    roundCount: readWholeNumber("rounds", values.rounds ?? "3", 1, 100),
    leadInMs: readDecimal("lead-in", values["lead-in"] ?? "1.5", 0, 60) * 1000,
    warmUpMs: readDecimal("warm-up", values["warm-up"] ?? "3", 0, 60) * 1000,
    idleMs: readDecimal("idle", values.idle ?? "5", 0.1, 60) * 1000,
    profileMs: readDecimal("profile", values.profile ?? "10", 0, 60) * 1000,
    limits: readLimits(values),
  };
  return { options, outDir: readOutDir(values) };
}
