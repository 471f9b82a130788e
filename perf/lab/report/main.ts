import { writeFileSync } from "node:fs";
import { type OptionValues, texts } from "../../command/command-line.ts";
import { runCommand } from "../../command/run-command.ts";
import { reportPage } from "./page.ts";
import { findResult, readResult } from "./saved-result.ts";

const USAGE = `Makes the page of a saved result again.

  npm run perf:report -- RESULT [options]

RESULT is a JSON file, or the beginning of the name of one in perf/results.

  --out FILE               of the page           (beside RESULT, with .html for .json)
  --help
`;

const OPTIONS = texts("out");

const COMMAND_LINE = {
  usage: USAGE,
  takesPositionals: true,
  options: OPTIONS,
  read({ out }: OptionValues<typeof OPTIONS>, positionals: readonly string[]) {
    const [result, ...more] = positionals;
    if (result === undefined || more.length > 0) {
      throw new Error(`one result must be named: count=${positionals.length}`);
    }
    return { result, out };
  },
};

await runCommand(COMMAND_LINE, ({ result, out }) => {
  const path = findResult(result);
  const page = out ?? `${path.replace(/\.json$/, "")}.html`;
  writeFileSync(page, reportPage(readResult(path)));
  process.stdout.write(`${page}\n`);
});
