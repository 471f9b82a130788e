import { type CommandLine, flags, texts } from "../../command/command-line.ts";
import { readDecimal, readSecondsMs, readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What watching costs a payment: metrics, the live page, traces. In CPU time at a constant rate.

  npm run perf:telemetry -- [options]

Two instances, each with half of the payments at the same time, and a processor that answers at once. One of them is
watched, the other is not; in the next load they change places, so that neither the machine's speed nor the luck of a
process counts. CPU is that of the instance's threads by the kernel's scheduler, until every payment is processed.
Payments to be traced come with a sampled context; a collector takes every span. The added CPU is told for each
payment, for each sampled one, and for each look of a watcher, on the event loop and on the other threads.

"as it comes" (against METRICS=false, PAGE=false) and "traces 0 %" (against no tracing) compare instances that differ
from the start: they do not change places, and a few percent are luck.

  --rate RATE              payments per second of both instances together          (2000)
  --seconds SECONDS        of each load; spans are gathered for a second less         (6)
  --rounds COUNT           of two loads each, after one that warms up                 (5)
  --modes NAMES            only these, comma-separated                              (all)
  --cold                   the round that warms up samples no more than the others: what traces cost in the first
                           minutes of a process, while V8 has not compiled what makes them
${OUTPUT_USAGE}
  --help
`;

export type BenchOptions = {
  readonly ratePerSecond: number;
  readonly durationMs: number;
  readonly rounds: number;
  /** Names of comparisons; all if empty. */
  readonly modes: readonly string[];
  /** Whether everything is sampled while warming up. */
  readonly isWarm: boolean;
};

const OPTIONS = { ...texts("rate", "seconds", "rounds", "modes"), ...flags("cold") };

export const TELEMETRY_COMMAND: CommandLine<typeof OPTIONS, BenchOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    ratePerSecond: readDecimal("rate", values.rate ?? "2000", 2, 50_000),
    durationMs: readSecondsMs("seconds", values.seconds ?? "6", 1.5, 600),
    rounds: readWholeNumber("rounds", values.rounds ?? "5", 1, 1000),
    modes: (values.modes ?? "").split(",").filter((name) => name !== ""),
    isWarm: values.cold !== true,
  }),
};
