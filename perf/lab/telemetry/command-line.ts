import { type CommandLine, texts } from "../../command/command-line.ts";
import {
  CLOSED_LOOP_OPTIONS,
  type ClosedLoopOptions,
  readClosedLoopOptions,
} from "../contenders/closed-loop-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What metrics, the live page and traces cost per payment.

  npm run perf:telemetry -- [options]

Compares an instance without metrics, page and traces with instances that have them. Each has a processor that answers
at once and a collector that takes every span. Rounds are interleaved, and each ends when all its payments are
processed. CPU is the instance's own, user and system; "÷ off" compares what one core would do, round by round.

  --rounds COUNT           after one that warms up                                    (9)
  --seconds SECONDS        of each instance in a round                                (1)
  --connections COUNT      each sends the next payment when the last is answered     (32)
  --modes NAMES            only these, comma-separated, beside "off"                (all)
${OUTPUT_USAGE}
  --help
`;

export type BenchOptions = ClosedLoopOptions & {
  /** Names of the modes to compare with the first one; all if empty. */
  readonly modes: readonly string[];
};

const OPTIONS = { ...texts("modes"), ...CLOSED_LOOP_OPTIONS };

export const TELEMETRY_COMMAND: CommandLine<typeof OPTIONS, BenchOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    ...readClosedLoopOptions(values, { rounds: "9", seconds: "1" }),
    modes: (values.modes ?? "").split(",").filter((name) => name !== ""),
  }),
};
