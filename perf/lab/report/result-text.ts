import { table } from "../../audit/table.ts";
import { commitText } from "./commit.ts";
import { median, spread } from "./figure.ts";
import { numberText } from "./number-text.ts";
import type { Figure, Result } from "./result.ts";

const GIBIBYTE = 1024 ** 3;

/** The figures and what to know of them, for a terminal. */
export function resultText(result: Result): string {
  const parts = [result.title, originText(result), figuresTable(result.figures)];
  if (result.remarks.length > 0) parts.push(result.remarks.map((remark) => `REMARK: ${remark}`).join("\n"));
  return `\n${parts.join("\n\n")}\n`;
}

/** `commit 16bd539a · AMD EPYC, 2 CPUs, 24 GiB · Node.js v20.20.2 · 2026-01-31 12:00 UTC` */
export function originText({ commit, machine, startedAt }: Result): string {
  return [
    commit === undefined ? "no commit" : `commit ${commitText(commit)}`,
    `${machine.cpu}, ${machine.cpuCount} CPUs, ${(machine.memoryBytes / GIBIBYTE).toFixed(0)} GiB`,
    `Node.js ${machine.node}`,
    `${startedAt.slice(0, 16).replace("T", " ")} UTC`,
  ].join(" · ");
}

export function spreadText(rounds: readonly number[]): string {
  if (rounds.length < 2) return "";
  const { min, max } = spread(rounds);
  return `${numberText(min)}–${numberText(max)}`;
}

function figuresTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, unit, rounds }) => [
    name,
    numberText(median(rounds)),
    spreadText(rounds),
    `${rounds.length}`,
    unit,
  ]);
  return table(["figure", "median", "spread", "rounds", "unit"], rows, "lrrrl");
}
