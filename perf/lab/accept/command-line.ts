import { type CommandLine, texts } from "../../command/command-line.ts";
import { readDecimal, readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What accepting a payment costs, per durability level, against handlers that only answer.

  npm run perf:accept -- [options]

An instance, without balancer and with its processors down, against two floors: a uWS handler that only reads the body
and answers 202, and the same while a process beside it sends as many payments to a processor. Rounds are interleaved.
CPU is the server's own, user and system, so a slow load generator does not flatter anybody; "per core" is what one
core would accept at that cost.

  --rounds COUNT           after one that warms up                                    (7)
  --seconds SECONDS        of each server in a round                                  (2)
  --connections COUNT      each sends the next payment when the last is answered     (32)
${OUTPUT_USAGE}
  --help
`;

export type AcceptOptions = {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
};

const OPTIONS = texts("rounds", "seconds", "connections");

export const ACCEPT_COMMAND: CommandLine<typeof OPTIONS, AcceptOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    rounds: readWholeNumber("rounds", values.rounds ?? "7", 1, 1000),
    seconds: readDecimal("seconds", values.seconds ?? "2", 0.1, 600),
    connections: readWholeNumber("connections", values.connections ?? "32", 1, 1000),
  }),
};
