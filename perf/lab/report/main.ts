import { writeFileSync } from "node:fs";
import { flags, type OptionValues, texts } from "../../command/command-line.ts";
import { runCommand } from "../../command/run-command.ts";
import { keptJson } from "./kept-result.ts";
import { reportPage } from "./page.ts";
import { findResult, readResult } from "./saved-result.ts";

const USAGE = `Makes the page of a saved result again, or the result small.

  npm run perf:report -- RESULT [options]

RESULT is a JSON file, or the beginning of the name of one in perf/results.

  --out FILE               of the page           (beside RESULT, with .html for .json)
  --keep                   no page: RESULT itself without its details, small enough for git
  --help
`;

const OPTIONS = { ...texts("out"), ...flags("keep") };

const COMMAND_LINE = {
  usage: USAGE,
  takesPositionals: true,
  options: OPTIONS,
  read({ out, keep }: OptionValues<typeof OPTIONS>, positionals: readonly string[]) {
    const [result, ...more] = positionals;
    if (result === undefined || more.length > 0) {
      throw new Error(`one result must be named: count=${positionals.length}`);
    }
    if (keep === true && out !== undefined) throw new Error(`out must come without --keep: out=${out}`);
    return { result, out, isToKeep: keep === true };
  },
};

await runCommand(COMMAND_LINE, ({ result, out, isToKeep }) => {
  const path = findResult(result);
  if (isToKeep) {
    writeFileSync(path, keptJson(readResult(path)));
    process.stdout.write(`${path}\n`);
    return;
  }
  const page = out ?? `${path.replace(/\.json$/, "")}.html`;
  writeFileSync(page, reportPage(readResult(path)));
  process.stdout.write(`${page}\n`);
});
