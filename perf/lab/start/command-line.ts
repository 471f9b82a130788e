import { type CommandLine, flags, texts } from "../../command/command-line.ts";
import { readWholeNumber } from "../../command/number-options.ts";
import { type Limit, readLimit } from "../limits/limit.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What a start takes: CPU time and time until somebody is answered.

  npm run perf:start -- [options]

Every round starts, one after the other: a bare Node.js that does nothing and ends; an instance with an empty journal,
the other of the two being absent, as it ships; the same from the compiled files, one by one; the same as it ships
within a limit; and npm start. CPU time is that of the process and its threads until the first answer.

  --rounds COUNT                                                                      (7)
  --instance-limit CPUS:MB of the limited instance, by cgroups, else by systemd-run (0.6:150)
  --no-npm-start           leave out npm start
${OUTPUT_USAGE}
  --help
`;

export type StartOptions = {
  readonly rounds: number;
  readonly limit: Limit;
  readonly withNpmStart: boolean;
};

const OPTIONS = { ...texts("rounds", "instance-limit"), ...flags("no-npm-start") };

export const START_COMMAND: CommandLine<typeof OPTIONS, StartOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    rounds: readWholeNumber("rounds", values.rounds ?? "7", 1, 1000),
    limit: readLimit("instance-limit", values["instance-limit"] ?? "0.6:150"),
    withNpmStart: values["no-npm-start"] !== true,
  }),
};
