import { runCommand } from "../../command/run-command.ts";
import { comparisonText } from "./comparison.ts";
import { findResult, readResult } from "./saved-result.ts";

const USAGE = `Two results of one command side by side.

  npm run perf:compare -- A B

A and B are JSON files, or beginnings of the names of such in perf/results. B÷A is the ratio of the medians. "better"
and "worse" say that the spreads of the rounds do not touch; otherwise the difference may be chance.

  --help
`;

const COMMAND_LINE = {
  usage: USAGE,
  takesPositionals: true,
  options: {},
  read(_values: object, positionals: readonly string[]): readonly [string, string] {
    const [a, b, ...more] = positionals;
    if (a === undefined || b === undefined || more.length > 0) {
      throw new Error(`two results must be named: count=${positionals.length}`);
    }
    return [a, b];
  },
};

await runCommand(COMMAND_LINE, ([a, b]) => {
  process.stdout.write(comparisonText(readResult(findResult(a)), readResult(findResult(b))));
});
