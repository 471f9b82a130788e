import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { RESULTS_DIR } from "./output-options.ts";
import type { Result } from "./result.ts";

/**
 * The path of a saved result: a file, or the beginning of the name of exactly one, in perf/results unless it comes
 * with a folder. Throws a one-line error when there is none, or more than one.
 */
export function findResult(wish: string): string {
  if (existsSync(wish) && statSync(wish).isFile()) return wish;
  const folder = wish.includes("/") ? dirname(wish) : RESULTS_DIR;
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const found = names.filter((name) => name.startsWith(basename(wish)) && name.endsWith(".json"));
  if (found.length === 1) return join(folder, found[0]!);
  if (found.length === 0)
    throw new Error(`result must be a file or the beginning of one's name: result=${wish} folder=${folder}`);
  throw new Error(`result must name one file: result=${wish} found=${found.sort().join(",")}`);
}

export function readResult(path: string): Result {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`result must be JSON: file=${path} error=${error instanceof Error ? error.message : error}`);
  }
  if (!isResult(value)) throw new Error(`result must be what a perf command has saved: file=${path}`);
  return value;
}

/** By what every reader relies on; a newer version may have more. */
function isResult(value: unknown): value is Result {
  if (typeof value !== "object" || value === null) return false;
  const { kind, title, startedAt, machine, figures, remarks, charts } = value as Record<string, unknown>;
  const areTexts = [kind, title, startedAt].every((text) => typeof text === "string");
  const areLists = [figures, remarks, charts].every((list) => Array.isArray(list));
  return (
    areTexts && areLists && typeof machine === "object" && machine !== null && (figures as unknown[]).every(isFigure)
  );
}

function isFigure(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, unit, better, rounds } = value as Record<string, unknown>;
  const areRounds = Array.isArray(rounds) && rounds.length > 0 && rounds.every((round) => Number.isFinite(round));
  return (
    typeof name === "string" && typeof unit === "string" && (better === "lower" || better === "higher") && areRounds
  );
}
