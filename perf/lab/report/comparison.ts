import { table } from "../../audit/table.ts";
import { median, spread } from "./figure.ts";
import { numberText } from "./number-text.ts";
import type { Figure, Result } from "./result.ts";
import { originText, spreadText } from "./result-text.ts";

export type Verdict = "better" | "worse" | "within the spread" | "one round" | "equal";

/** Two results of one command, figure by figure, for a terminal. Throws when they are of different kinds. */
export function comparisonText(a: Result, b: Result): string {
  if (a.kind !== b.kind) throw new Error(`results must be of one kind: a=${a.kind} b=${b.kind}`);
  const ofB = new Map(b.figures.map((figure) => [figure.name, figure]));
  const pairs = a.figures.flatMap((figure): [Figure, Figure][] => {
    const other = ofB.get(figure.name);
    return other === undefined ? [] : [[figure, other]];
  });
  const names = new Set(pairs.map(([{ name }]) => name));
  const lonely = [...onlyIn("A", a, names), ...onlyIn("B", b, names)];
  const rows = pairs.map(([left, right]) => [
    left.name,
    ...[left, right].flatMap(({ rounds }) => [numberText(median(rounds)), spreadText(rounds)]),
    left.unit,
    ratioText(left, right),
    verdict(left, right),
  ]);
  const head = ["figure", "A", "spread", "B", "spread", "unit", "B÷A", ""];
  const parts = [
    [`A  ${a.title}`, `   ${originText(a)}`, `B  ${b.title}`, `   ${originText(b)}`].join("\n"),
    table(head, rows, "lrrrrlrl"),
    lonely.join("\n"),
    machineNote(a, b),
    ...[a, b].flatMap(({ remarks }, i) => remarks.map((remark) => `REMARK of ${i === 0 ? "A" : "B"}: ${remark}`)),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** Whether B differs from A by more than their rounds differ among themselves: their spreads do not touch. */
export function verdict(a: Figure, b: Figure): Verdict {
  const [left, right] = [spread(a.rounds), spread(b.rounds)];
  if (median(a.rounds) === median(b.rounds)) return "equal";
  if (a.rounds.length === 1 || b.rounds.length === 1) return "one round";
  if (left.min <= right.max && right.min <= left.max) return "within the spread";
  const isHigher = right.min > left.max;
  return isHigher === (a.better === "higher") ? "better" : "worse";
}

function ratioText(a: Figure, b: Figure): string {
  const divisor = median(a.rounds);
  return divisor === 0 ? "–" : (median(b.rounds) / divisor).toFixed(3);
}

function onlyIn(side: "A" | "B", { figures }: Result, names: ReadonlySet<string>): string[] {
  return figures.filter(({ name }) => !names.has(name)).map(({ name }) => `only in ${side}: ${name}`);
}

function machineNote(a: Result, b: Result): string {
  const differs = (["cpu", "cpuCount", "memoryBytes", "node"] as const).filter(
    (key) => a.machine[key] !== b.machine[key],
  );
  const isOtherSize = JSON.stringify(a.options) !== JSON.stringify(b.options);
  return [
    ...(differs.length === 0 ? [] : [`NOT THE SAME MACHINE: ${differs.join(", ")} differ; only ratios compare`]),
    ...(isOtherSize ? ["NOT THE SAME OPTIONS: see the two files"] : []),
  ].join("\n");
}
