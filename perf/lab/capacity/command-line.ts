import { type CommandLine, flags, texts } from "../../command/command-line.ts";
import { readDecimal, readSecondsMs } from "../../command/number-options.ts";
import type { OtherTarget } from "../contenders/contender.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/named-groups.ts";
import { ROUND_OPTIONS, type RoundOptions, readRoundOptions } from "../contenders/round-options.ts";
import { readTarget, TARGET_OPTIONS, TARGET_USAGE } from "../contenders/target-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `The highest rate at which the p99 stays below 11 ms, nothing fails and everything is processed, not
only accepted.

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
  --floor                  the floor as well: the same nginx and processes that only answer 202
${LIMIT_USAGE}

Payments leave on schedule, whatever the answers do, and latency counts from when each was due. A step that fails is
tried once more; a second failure ends the climb.

${TARGET_USAGE}

${OUTPUT_USAGE}
  --help
`;

export type CapacityOptions = RoundOptions & {
  readonly fromRate: number;
  readonly toRate: number;
  readonly stepRate: number;
  readonly p99MsMax: number;
  readonly processedWithinMs: number;
  readonly hasFloor: boolean;
  readonly limits: Limits | undefined;
};

export type CapacityWish = { readonly options: CapacityOptions; readonly target: OtherTarget | undefined };

const RATE_MAX = 50_000;
const TO_RATE = 16_000;

const OPTIONS = {
  ...texts("from", "to", "step", "p99", "processed-within"),
  ...flags("floor"),
  ...ROUND_OPTIONS,
  ...LIMIT_OPTIONS,
  ...TARGET_OPTIONS,
};

export const CAPACITY_COMMAND: CommandLine<typeof OPTIONS, CapacityWish> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const fromRate = readDecimal("from", values.from ?? "1000", 1, RATE_MAX);
    const options: CapacityOptions = {
      fromRate,
      toRate: readDecimal("to", values.to ?? `${Math.max(TO_RATE, fromRate)}`, fromRate, RATE_MAX),
      stepRate: readDecimal("step", values.step ?? "1000", 1, RATE_MAX),
      p99MsMax: readDecimal("p99", values.p99 ?? "11", 0.1, 5000),
      processedWithinMs: readSecondsMs("processed-within", values["processed-within"] ?? "2", 0.1, 600),
      hasFloor: values.floor === true,
      ...readRoundOptions(values, { rounds: "3", seconds: "3", leadIn: "0.5" }),
      limits: readLimits(values),
    };
    return { options, target: readTarget(values) };
  },
};
