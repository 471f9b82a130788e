import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainResult } from "./kept-result.ts";
import { reportPage } from "./page.ts";
import type { Result } from "./result.ts";
import { resultName } from "./result-name.ts";
import { resultText } from "./result-text.ts";

export type FinishOptions = {
  /** `undefined`: nothing is saved. Made if missing. */
  readonly outDir: string | undefined;
  /** For people, as JSON for programs, or not at all. */
  readonly print?: "text" | "json" | "nothing";
};

/** Saves the result as JSON and as a page, prints it, and tells where. Never writes over another result. */
export async function finish(result: Result, { outDir, print = "text" }: FinishOptions): Promise<void> {
  const stem = outDir === undefined ? undefined : save(result, outDir);
  const savedAs = stem === undefined ? [] : [`${stem}.json`, `${stem}.html`];
  if (print === "json") process.stdout.write(resultJson({ ...plainResult(result), savedAs }));
  if (print !== "text") return;
  process.stdout.write(resultText(result));
  if (savedAs.length > 0) process.stdout.write(`\n${savedAs.join("\n")}\n`);
}

/** The files' name without its ending. */
function save(result: Result, outDir: string): string {
  mkdirSync(outDir, { recursive: true });
  const stem = freeStem(outDir, resultName(result));
  // The page is made from what is read back, so it shows what the file has.
  const json = resultJson(result);
  writeFileSync(`${stem}.json`, json);
  writeFileSync(`${stem}.html`, reportPage(JSON.parse(json) as Result));
  return stem;
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
