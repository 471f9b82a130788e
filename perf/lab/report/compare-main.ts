import { parseArgs } from "node:util";
import { comparisonText } from "./comparison.ts";
import { findResult, readResult } from "./saved-result.ts";

const USAGE = `Two results of one command side by side.

  npm run perf:compare -- A B

A and B are JSON files, or beginnings of the names of such in perf/results. B÷A is the ratio of the medians. "better" and "worse"
say that the spreads of the rounds do not touch; otherwise the difference may be chance.

  --help
`;

function main(): void {
  const { values, positionals } = parseArgs({ options: { help: { type: "boolean" } }, allowPositionals: true });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const [a, b, ...more] = positionals;
  if (a === undefined || b === undefined || more.length > 0) {
    throw new Error(`two results must be named: count=${positionals.length}`);
  }
  process.stdout.write(comparisonText(readResult(findResult(a)), readResult(findResult(b))));
}

try {
  main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
