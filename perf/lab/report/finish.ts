import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commitText } from "./commit.ts";
import { reportPage } from "./page.ts";
import type { Result } from "./result.ts";
import { resultText } from "./result-text.ts";

export type FinishOptions = {
  /** `undefined`: nothing is saved. Made if missing. */
  readonly outDir: string | undefined;
  /** False where the command has printed tables of its own. */
  readonly print?: boolean;
};

/** Prints the result, saves it as JSON and as a page, and tells where. Never writes over another result. */
export async function finish(result: Result, { outDir, print = true }: FinishOptions): Promise<void> {
  if (print) process.stdout.write(resultText(result));
  if (outDir === undefined) return;
  mkdirSync(outDir, { recursive: true });
  const stem = freeStem(outDir, resultName(result));
  // The page is made from what is read back, so it shows what the file has.
  const json = resultJson(result);
  writeFileSync(`${stem}.json`, json);
  writeFileSync(`${stem}.html`, reportPage(JSON.parse(json) as Result));
  process.stdout.write(`\n${stem}.json\n${stem}.html\n`);
}

/** `2026-01-31-1200-contest-16bd539a-dirty`; the time is UTC. */
export function resultName({ startedAt, kind, commit }: Result): string {
  const time = `${startedAt.slice(0, 10)}-${startedAt.slice(11, 13)}${startedAt.slice(14, 16)}`;
  return [time, kind, ...(commit === undefined ? [] : [commitText(commit)])].join("-");
}

/** Sums of cents are BigInts; as numbers they are exact up to 2^53. */
export function resultJson(result: object): string {
  return `${JSON.stringify(result, (_, value: unknown) => (typeof value === "bigint" ? Number(value) : value), 2)}\n`;
}

function freeStem(folder: string, name: string): string {
  const stem = (number: number): string => join(folder, number === 1 ? name : `${name}-${number}`);
  let number = 1;
  while (existsSync(`${stem(number)}.json`)) number++;
  return stem(number);
}
