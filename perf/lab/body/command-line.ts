import { type CommandLine, texts } from "../../command/command-line.ts";
import { readWholeNumber } from "../../command/number-options.ts";
import {
  CLOSED_LOOP_OPTIONS,
  type ClosedLoopOptions,
  readClosedLoopOptions,
} from "../contenders/closed-loop-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `Compares reading a payment's body byte by byte with JSON.parse.

  npm run perf:body -- [options]

First both readers read the same bodies in process, with an instance's flags. Then an instance whose processors are
down gets payments: its CPU for each payment when bodies are plain, and when they have one more member, which makes
it use JSON.parse. Rounds are interleaved.

  --rounds COUNT           after one that warms up                                    (7)
  --bodies COUNT           read by each reader in a round                        (100000)
  --seconds SECONDS        of each kind of body in a round                            (2)
  --connections COUNT      each sends the next payment when the last is answered     (32)
${OUTPUT_USAGE}
  --help
`;

export type BodyOptions = ClosedLoopOptions & {
  /** Read by each reader in a round. */
  readonly bodies: number;
};

const OPTIONS = { ...texts("bodies"), ...CLOSED_LOOP_OPTIONS };

export const BODY_COMMAND: CommandLine<typeof OPTIONS, BodyOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    ...readClosedLoopOptions(values, { rounds: "7", seconds: "2" }),
    bodies: readWholeNumber("bodies", values.bodies ?? "100000", 1000, 100_000_000),
  }),
};
