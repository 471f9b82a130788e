import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { reportPage } from "./page.ts";
import { findResult, readResult } from "./saved-result.ts";

const USAGE = `Makes the page of a saved result again.

  npm run perf:report -- RESULT [options]

RESULT is a JSON file, or the beginning of the name of one in perf/results.

  --out FILE               of the page           (beside RESULT, with .html for .json)
  --help
`;

function main(): void {
  const options = { out: { type: "string" }, help: { type: "boolean" } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const [wish, ...more] = positionals;
  if (wish === undefined || more.length > 0) throw new Error(`one result must be named: count=${positionals.length}`);
  const path = findResult(wish);
  const page = values.out ?? `${path.replace(/\.json$/, "")}.html`;
  writeFileSync(page, reportPage(readResult(path)));
  process.stdout.write(`${page}\n`);
}

try {
  main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
