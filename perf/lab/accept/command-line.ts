import type { CommandLine } from "../../command/command-line.ts";
import {
  CLOSED_LOOP_OPTIONS,
  type ClosedLoopOptions,
  readClosedLoopOptions,
} from "../contenders/closed-loop-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What accepting a payment costs, per durability level, against handlers that only answer.

  npm run perf:accept -- [options]

An instance, without balancer and with its processors down, against two floors: a uWS handler that only reads the body
and answers 202, and the same while another process sends as many payments to a processor. Rounds are interleaved.
CPU is the server's own, user and system, so a slow load generator does not distort it; "per core" is what one core
would accept at that cost.

  --rounds COUNT           after one that warms up                                    (7)
  --seconds SECONDS        of each server in a round                                  (2)
  --connections COUNT      each sends the next payment when the last is answered     (32)
${OUTPUT_USAGE}
  --help
`;

export const ACCEPT_COMMAND: CommandLine<typeof CLOSED_LOOP_OPTIONS, ClosedLoopOptions> = {
  usage: USAGE,
  options: CLOSED_LOOP_OPTIONS,
  read: (values) => readClosedLoopOptions(values, { rounds: "7", seconds: "2" }),
};
