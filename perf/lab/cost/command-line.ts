import { type CommandLine, texts } from "../../command/command-line.ts";
import { readDecimal, readSecondsMs } from "../../command/number-options.ts";
import type { OtherTarget } from "../contenders/contender.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/named-groups.ts";
import { ROUND_OPTIONS, type RoundOptions, readRoundOptions } from "../contenders/round-options.ts";
import { readTarget, TARGET_OPTIONS, TARGET_USAGE } from "../contenders/target-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `The CPU time a payment costs at a constant rate: nginx and both instances, user and system, without
what they take when idle.

  npm run perf:cost -- [options]

  --rate RATE              payments per second                                    (2000)
  --seconds SECONDS        of each load                                             (10)
  --rounds COUNT           of each mode, taking turns                                (3)
  --lead-in SECONDS        before what counts, in each load, at its rate           (1.5)
  --warm-up SECONDS        before the first round                                    (3)
  --idle SECONDS           in each round, to measure the CPU time without payments   (5)
  --profile SECONDS        of an extra load under V8's CPU profiler; 0: none        (10)
${LIMIT_USAGE}

The modes are: our service with healthy processors; our service with failing processors, so that payments are accepted
and wait, which gives the cost of accepting, and the difference is the cost of processing; the floor, which is the same
nginx and processes that only answer 202; and the fair floor, where another process, which is counted, sends as many
payments to the processors.

${TARGET_USAGE}
The cost of a target is told by --processes; without it, only the floors' is. Without its processors, accepting and
processing are not told apart.

${OUTPUT_USAGE}
  --help
`;

export type CostOptions = RoundOptions & {
  readonly ratePerSecond: number;
  readonly idleMs: number;
  readonly profileMs: number;
  readonly limits: Limits | undefined;
};

export type CostWish = { readonly options: CostOptions; readonly target: OtherTarget | undefined };

const OPTIONS = {
  ...texts("rate", "idle", "profile"),
  ...ROUND_OPTIONS,
  ...LIMIT_OPTIONS,
  ...TARGET_OPTIONS,
};

export const COST_COMMAND: CommandLine<typeof OPTIONS, CostWish> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const options: CostOptions = {
      ratePerSecond: readDecimal("rate", values.rate ?? "2000", 1, 50_000),
      idleMs: readSecondsMs("idle", values.idle ?? "5", 0.1, 60),
      profileMs: readSecondsMs("profile", values.profile ?? "10", 0, 60),
      ...readRoundOptions(values, { rounds: "3", seconds: "10", leadIn: "1.5" }),
      limits: readLimits(values),
    };
    return { options, target: readTarget(values) };
  },
};
