import { type CommandLine, texts } from "../../command/command-line.ts";
import { readWholeNumber } from "../../command/number-options.ts";
import { OUTPUT_USAGE } from "../report/output-options.ts";

const USAGE = `The payment engine in process, without I/O: time per operation, memory per payment, garbage.

  npm run perf:core -- [options]

Each size and round is a separate process with an instance's flags. The ledger is full at its size. "accept" goes
into memory that was written before; "memory never touched" includes the kernel's first access to every page.
Rounds are interleaved.

  --sizes LIST             payments in the ledger     (10000,100000,1000000,10000000)
  --rounds COUNT                                                                  (5)
  --payments COUNT         accepted at least in each round: small ledgers are
                           filled again and again                           (1000000)
${OUTPUT_USAGE}
  --help
`;

export type CoreOptions = {
  /** Ascending. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Accepted at least in a round. */
  readonly payments: number;
};

const SIZE_MIN = 1024;
const SIZE_MAX = 67_108_864;

const OPTIONS = texts("sizes", "rounds", "payments");

export const CORE_COMMAND: CommandLine<typeof OPTIONS, CoreOptions> = {
  usage: USAGE,
  options: OPTIONS,
  read(values) {
    const wished = (values.sizes ?? "10000,100000,1000000,10000000").split(",");
    const sizes = new Set(wished.map((size) => readWholeNumber("sizes", size, SIZE_MIN, SIZE_MAX)));
    return {
      sizes: [...sizes].sort((a, b) => a - b),
      rounds: readWholeNumber("rounds", values.rounds ?? "5", 1, 1000),
      payments: readWholeNumber("payments", values.payments ?? "1000000", 1, SIZE_MAX),
    };
  },
};
