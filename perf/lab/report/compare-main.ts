import { flags, type OptionValues } from "../../command/command-line.ts";
import { runCommand } from "../../command/run-command.ts";
import { compareResults, comparisonJson, comparisonText } from "./comparison.ts";
import { isRatio } from "./figure.ts";
import { findResult, readResult } from "./saved-result.ts";

const USAGE = `Two results of one command side by side.

  npm run perf:compare -- A B [options]

A and B are JSON files, or beginnings of the names of such in perf/results. B÷A is the ratio of the medians. "better"
and "worse" say that the spreads of the rounds do not touch; otherwise the difference may be chance.

  --ratios                 only figures that are ratios: they carry over from one machine to another
  --json                   for programs
  --help
`;

const OPTIONS = flags("ratios", "json");

const COMMAND_LINE = {
  usage: USAGE,
  takesPositionals: true,
  options: OPTIONS,
  read({ ratios, json }: OptionValues<typeof OPTIONS>, positionals: readonly string[]) {
    const [a, b, ...more] = positionals;
    if (a === undefined || b === undefined || more.length > 0) {
      throw new Error(`two results must be named: count=${positionals.length}`);
    }
    return { a, b, isOfRatios: ratios === true, isJson: json === true };
  },
};

await runCommand(COMMAND_LINE, ({ a, b, isOfRatios, isJson }) => {
  const [left, right] = [a, b].map((wish) => readResult(findResult(wish)));
  const comparison = compareResults(left!, right!, isOfRatios ? isRatio : undefined);
  process.stdout.write(isJson ? comparisonJson(comparison) : comparisonText(comparison));
});
