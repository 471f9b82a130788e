import { type CommandLine, flags, texts } from "../../command/command-line.ts";
import { readDecimal, readSecondsMs, readWholeNumber } from "../../command/number-options.ts";

const USAGE = `Does a payment cost more than it did? A short perf:cost beside a kept one.

  npm run perf:guard -- [options]

  --baseline RESULT        a result of perf:cost                 (the newest kept in perf/results)
  --rounds COUNT           each a load of ours, of ours with failing processors, and of both floors  (3)
  --seconds SECONDS        of each load                                                              (4)
  --rate RATE              payments per second                                      (the baseline's)
  --within SECONDS         give up after so long                                                   (120)
  --json                   print the comparison as JSON
  --help

What is compared is CPU time in multiples of the floors' in the same round. A machine that is slow, or busy with other
things, slows both, so this ratio carries over better than milliseconds and microseconds do. It is still for people to
read: nothing passes or fails by it.

Exit code: 0 measured, whatever it says; 1 could not measure.
`;

export type GuardOptions = {
  /** Of a file, or the beginning of a name; `undefined`: the newest that is kept. */
  readonly baseline: string | undefined;
  readonly roundCount: number;
  readonly durationMs: number;
  /** `undefined`: the baseline's. */
  readonly ratePerSecond: number | undefined;
  readonly withinMs: number;
  readonly isJson: boolean;
};

const OPTIONS = { ...texts("baseline", "rounds", "seconds", "rate", "within"), ...flags("json") };

export const GUARD_COMMAND: CommandLine<typeof OPTIONS, GuardOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read({ baseline, rounds, seconds, rate, within, json }) {
    return {
      baseline,
      roundCount: readWholeNumber("rounds", rounds ?? "3", 1, 100),
      durationMs: readSecondsMs("seconds", seconds ?? "4", 0.5, 60),
      ratePerSecond: rate === undefined ? undefined : readDecimal("rate", rate, 1, 50_000),
      withinMs: readSecondsMs("within", within ?? "120", 1, 3600),
      isJson: json === true,
    };
  },
};
