import { type CommandLine, texts } from "../../command/command-line.ts";
import { readSecondsMs } from "../../command/number-options.ts";
import { readWishedLimits, WISH_LIMIT_OPTIONS, WISH_LIMIT_USAGE } from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/named-groups.ts";
import { ROUND_OPTIONS, type RoundOptions, readRoundOptions } from "../contenders/round-options.ts";
import { readPacing, readRates } from "../latency/command-line.ts";
import type { Pacing } from "../load/load-round.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What it costs to keep payments in PostgreSQL, with a synchronous standby on this machine, beside journals
on its disk with DURABILITY=write and with fsync: latency of accepting, CPU per payment, statements, HOT updates, bytes.

  npm run perf:store -- [options]

  --rates LIST             payments per second, one after the other           (500,2000)
  --rounds COUNT           of each, taking turns                                     (5)
  --seconds SECONDS        of each round                                            (10)
  --lead-in SECONDS        before what counts, in each round, at its rate            (1)
  --warm-up SECONDS        before the first round, at the highest rate               (3)
  --idle SECONDS           in each round, to measure the CPU time without payments   (5)
  --pacing NAME            thread: exact to 0.1 ms; timer: 1 ms, half the CPU   (thread)
  --profile SECONDS        of an extra load at the highest rate, over the store,
                           under V8's CPU profiler; 0: none                          (0)
${WISH_LIMIT_USAGE}

There are no limits unless you ask for them, because PostgreSQL and its standby use the same CPUs without limits. After
each round everything accepted must be charged exactly once.

${OUTPUT_USAGE}
  --help
`;

export type StoreOptions = RoundOptions & {
  readonly rates: readonly number[];
  readonly pacing: Pacing;
  readonly idleMs: number;
  readonly profileMs: number;
  readonly limits: Limits | undefined;
};

const OPTIONS = { ...texts("rates", "pacing", "idle", "profile"), ...ROUND_OPTIONS, ...WISH_LIMIT_OPTIONS };

export const STORE_COMMAND: CommandLine<typeof OPTIONS, StoreOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    return {
      rates: readRates(values.rates ?? "500,2000"),
      pacing: readPacing(values.pacing ?? "thread"),
      idleMs: readSecondsMs("idle", values.idle ?? "5", 0.1, 60),
      profileMs: readSecondsMs("profile", values.profile ?? "0", 0, 60),
      ...readRoundOptions(values, { rounds: "5", seconds: "10", leadIn: "1" }),
      limits: readWishedLimits(values),
    };
  },
};
