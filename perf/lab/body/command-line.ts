import { type CommandLine, texts } from "../../command/command-line.ts";
import { readDecimal, readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What reading a payment's body byte by byte gives over JSON.parse.

  npm run perf:body -- [options]

First both readers in process, with an instance's flags, on the same bodies. Then in an instance whose processors are
down: its CPU for each payment when bodies are plain, and when they have one more member, which makes it use
JSON.parse. Rounds are interleaved.

  --rounds COUNT           after one that warms up                                    (7)
  --bodies COUNT           read by each reader in a round                        (100000)
  --seconds SECONDS        of each kind of body in a round                            (2)
  --connections COUNT      each sends the next payment when the last is answered     (32)
${OUTPUT_USAGE}
  --help
`;

export type BodyOptions = {
  readonly rounds: number;
  readonly bodies: number;
  readonly seconds: number;
  readonly connections: number;
};

const OPTIONS = texts("rounds", "bodies", "seconds", "connections");

export const BODY_COMMAND: CommandLine<typeof OPTIONS, BodyOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    rounds: readWholeNumber("rounds", values.rounds ?? "7", 1, 1000),
    bodies: readWholeNumber("bodies", values.bodies ?? "100000", 1000, 100_000_000),
    seconds: readDecimal("seconds", values.seconds ?? "2", 0.1, 600),
    connections: readWholeNumber("connections", values.connections ?? "32", 1, 1000),
  }),
};
