import { parseArgs } from "node:util";
import { readDecimal, readWholeNumber } from "../command/number-options.ts";
import { OUTPUT_OPTIONS, OUTPUT_USAGE, readOutDir } from "../command/output-options.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/limited-topology.ts";

export const USAGE = `The highest rate at which the p99 stays below 11 ms, nothing fails and everything is processed, not only accepted.

  npm run perf:capacity -- [options]

  --from RATE              payments per second of the first step                  (1000)
  --to RATE                of the last one                                       (16000)
  --step RATE              from one to the next                                   (1000)
  --seconds SECONDS        of each step                                              (3)
  --lead-in SECONDS        before what counts, in each step, at its rate           (0.5)
  --warm-up SECONDS        before the first round                                    (3)
  --rounds COUNT           climbs from the bottom                                     (3)
  --p99 MS                 a step passes below it                                   (11)
  --processed-within SECONDS  after a step everything accepted must be processed     (2)
  --floor                  the floor as well: the same nginx and processes that only say 202
${LIMIT_USAGE}

Payments leave on schedule, whatever the answers do, and latency counts from when each was due. A step that fails is tried
once more; a second failure ends the climb.

${OUTPUT_USAGE}
  --help
`;

export type CapacityOptions = {
  readonly fromRate: number;
  readonly toRate: number;
  readonly stepRate: number;
  readonly durationMs: number;
  readonly leadInMs: number;
  readonly warmUpMs: number;
  readonly roundCount: number;
  readonly p99MsMax: number;
  readonly processedWithinMs: number;
  readonly hasFloor: boolean;
  readonly limits: Limits | undefined;
};

export type CommandLine = {
  readonly options: CapacityOptions;
  readonly outDir: string | undefined;
};

const RATE_MAX = 50_000;

/** Throws a one-line `rule: name=value` error on a wrong argument. */
export function readCommandLine(args: string[]): CommandLine | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args,
    options: {
      from: text,
      to: text,
      step: text,
      seconds: text,
      "lead-in": text,
      "warm-up": text,
      rounds: text,
      p99: text,
      "processed-within": text,
      floor: flag,
      help: flag,
      ...LIMIT_OPTIONS,
      ...OUTPUT_OPTIONS,
    },
  });
  if (values.help === true) return "help";
  const fromRate = readDecimal("from", values.from ?? "1000", 1, RATE_MAX);
  const options: CapacityOptions = {
    fromRate,
    toRate: readDecimal("to", values.to ?? `${Math.max(16_000, fromRate)}`, fromRate, RATE_MAX),
    stepRate: readDecimal("step", values.step ?? "1000", 1, RATE_MAX),
    durationMs: readDecimal("seconds", values.seconds ?? "3", 0.5, 600) * 1000,
    leadInMs: readDecimal("lead-in", values["lead-in"] ?? "0.5", 0, 60) * 1000,
    warmUpMs: readDecimal("warm-up", values["warm-up"] ?? "3", 0, 60) * 1000,
    roundCount: readWholeNumber("rounds", values.rounds ?? "3", 1, 100),
    p99MsMax: readDecimal("p99", values.p99 ?? "11", 0.1, 5000),
    processedWithinMs: readDecimal("processed-within", values["processed-within"] ?? "2", 0.1, 600) * 1000,
    hasFloor: values.floor === true,
    limits: readLimits(values),
  };
  return { options, outDir: readOutDir(values) };
}
