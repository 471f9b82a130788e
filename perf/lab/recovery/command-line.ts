import { type CommandLine, texts } from "../../command/command-line.ts";
import { readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `How long an instance takes to start with a journal.

  npm run perf:recovery -- [options]

The journal has N payments of three records each (accepted, sent, charged), the same as a checkpoint, or, for
comparison, nothing. Every round is a separate process, with the files in the page cache. "replay" is the time that
the instance reports, "spawn to /health" is from the spawn of the process to its first answer. Rounds are interleaved.

  --payments COUNT         in the journal                                       (1000000)
  --rounds COUNT                                                                      (7)
${OUTPUT_USAGE}
  --help
`;

export type RecoveryOptions = {
  readonly payments: number;
  readonly rounds: number;
};

/** The largest capacity an instance takes. */
const PAYMENTS_MAX = 67_108_864;

const OPTIONS = texts("payments", "rounds");

export const RECOVERY_COMMAND: CommandLine<typeof OPTIONS, RecoveryOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    payments: readWholeNumber("payments", values.payments ?? "1000000", 1, PAYMENTS_MAX),
    rounds: readWholeNumber("rounds", values.rounds ?? "7", 1, 1000),
  }),
};
