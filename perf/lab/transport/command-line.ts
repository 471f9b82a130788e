import { type CommandLine, texts } from "../../command/command-line.ts";
import { readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What a request to a processor costs the sender: over plain sockets, undici, and undici with TLS.

  npm run perf:transport -- [options]

Each way runs in a separate process with an instance's flags, in turns, against one server in another process. In a
closed loop, each connection sends the next payment when the last one is answered.

  --rounds COUNT           after one that warms up                                    (7)
  --requests COUNT         by each way in a round                                 (20000)
  --connections COUNT                                                                 (8)
${OUTPUT_USAGE}
  --help
`;

export type TransportOptions = {
  readonly rounds: number;
  /** By each way in a round. */
  readonly requests: number;
  readonly connections: number;
};

const OPTIONS = texts("rounds", "requests", "connections");

export const TRANSPORT_COMMAND: CommandLine<typeof OPTIONS, TransportOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read: (values) => ({
    rounds: readWholeNumber("rounds", values.rounds ?? "7", 1, 1000),
    requests: readWholeNumber("requests", values.requests ?? "20000", 100, 10_000_000),
    connections: readWholeNumber("connections", values.connections ?? "8", 1, 1000),
  }),
};
