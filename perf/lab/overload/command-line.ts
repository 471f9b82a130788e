import { type CommandLine, texts } from "../../command/command-line.ts";
import { readDecimal, readSecondsMs, readWholeNumber } from "../../command/number-options.ts";
import type { OtherTarget } from "../contenders/contender.ts";
import { LIMIT_OPTIONS, LIMIT_USAGE, readLimits } from "../contenders/limit-options.ts";
import type { Limits } from "../contenders/named-groups.ts";
import { readTarget, TARGET_OPTIONS, TARGET_USAGE } from "../contenders/target-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `What the service does with more payments than it bears: what it accepts, how fast it refuses the rest,
and whether it is as fast as before once the overload is over.

  npm run perf:overload -- [options]

  --capacity RATE          payments per second that the service bears   (found as by perf:capacity)
  --multiple FACTOR        of the capacity, offered during the overload                  (2)
  --seconds SECONDS        of overload                                                  (30)
  --calm SECONDS           before it and after it, at half of the capacity              (10)
  --connections COUNT      payments that may be out at once                           (1024)
  --slow-clients COUNT     beside it: a third idle, a third with a head and a third with a body that
                           come a byte every few seconds                                 (0)
  --rounds COUNT                                                                         (1)
  --warm-up SECONDS        before the first round                                        (3)
${LIMIT_USAGE}

Payments leave on schedule, whatever the answers do, and latency counts from when each was due. The exit code is 1 if
anything that was accepted was not charged, or anything charged that was not accepted.

${TARGET_USAGE}

${OUTPUT_USAGE}
  --help
`;

export type OverloadOptions = {
  /** `undefined`: to be found. */
  readonly capacity: number | undefined;
  readonly multiple: number;
  readonly durationMs: number;
  readonly calmMs: number;
  readonly connectionCountMax: number;
  readonly slowClientCount: number;
  readonly roundCount: number;
  readonly warmUpMs: number;
  readonly limits: Limits | undefined;
};

export type OverloadWish = { readonly options: OverloadOptions; readonly target: OtherTarget | undefined };

const RATE_MAX = 50_000;
/** Each is a descriptor here. Our nginx needs two of its worker_connections for a request. */
const CONNECTIONS_MAX = 5000;

const OPTIONS = {
  ...texts("capacity", "multiple", "seconds", "calm", "connections", "slow-clients", "rounds", "warm-up"),
  ...LIMIT_OPTIONS,
  ...TARGET_OPTIONS,
};

export const OVERLOAD_COMMAND: CommandLine<typeof OPTIONS, OverloadWish> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const { capacity } = values;
    const options: OverloadOptions = {
      capacity: capacity === undefined ? undefined : readDecimal("capacity", capacity, 1, RATE_MAX),
      multiple: readDecimal("multiple", values.multiple ?? "2", 0.5, 100),
      durationMs: readSecondsMs("seconds", values.seconds ?? "30", 1, 600),
      calmMs: readSecondsMs("calm", values.calm ?? "10", 2, 600),
      connectionCountMax: readWholeNumber("connections", values.connections ?? "1024", 1, CONNECTIONS_MAX),
      slowClientCount: readWholeNumber("slow-clients", values["slow-clients"] ?? "0", 0, CONNECTIONS_MAX),
      roundCount: readWholeNumber("rounds", values.rounds ?? "1", 1, 100),
      warmUpMs: readSecondsMs("warm-up", values["warm-up"] ?? "3", 0, 60),
      limits: readLimits(values),
    };
    return { options, target: readTarget(values) };
  },
};
