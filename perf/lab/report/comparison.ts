import { table } from "../../audit/table.ts";
import { median, spread } from "./figure.ts";
import { numberText } from "./number-text.ts";
import type { Figure, Result } from "./result.ts";
import { originText, spreadText } from "./result-text.ts";

export type Verdict = "better" | "worse" | "within the spread" | "one round" | "equal";

/** A figure that both results have; medians. */
export type Compared = {
  readonly name: string;
  readonly unit: string;
  readonly a: number;
  readonly aRounds: readonly number[];
  readonly b: number;
  readonly bRounds: readonly number[];
  /** B÷A; `null` where A is 0. */
  readonly ratio: number | null;
  readonly verdict: Verdict;
};

export type Comparison = {
  readonly a: Result;
  readonly b: Result;
  readonly figures: readonly Compared[];
  readonly onlyInA: readonly string[];
  readonly onlyInB: readonly string[];
  /** What else differs between the two, so that less can be compared. */
  readonly notes: readonly string[];
};

/** Two results of one command, figure by figure, of those that `isWanted`. Throws when they are of different kinds. */
export function compareResults(a: Result, b: Result, isWanted = (_: Figure): boolean => true): Comparison {
  if (a.kind !== b.kind) throw new Error(`results must be of one kind: a=${a.kind} b=${b.kind}`);
  const [ofA, ofB] = [a, b].map(({ figures }) => new Map(figures.filter(isWanted).map((each) => [each.name, each])));
  const figures = [...ofA!.values()].flatMap((figure) => {
    const other = ofB!.get(figure.name);
    return other === undefined ? [] : [comparedOf(figure, other)];
  });
  return {
    a,
    b,
    figures,
    onlyInA: [...ofA!.keys()].filter((name) => !ofB!.has(name)),
    onlyInB: [...ofB!.keys()].filter((name) => !ofA!.has(name)),
    notes: notesOn(a, b),
  };
}

/** For a terminal. */
export function comparisonText({ a, b, figures, onlyInA, onlyInB, notes }: Comparison): string {
  const rows = figures.map((figure) => [
    figure.name,
    numberText(figure.a),
    spreadText(figure.aRounds),
    numberText(figure.b),
    spreadText(figure.bRounds),
    figure.unit,
    figure.ratio?.toFixed(3) ?? "–",
    figure.verdict,
  ]);
  const head = ["figure", "A", "spread", "B", "spread", "unit", "B÷A", ""];
  const lonely = [...onlyInA.map((name) => `only in A: ${name}`), ...onlyInB.map((name) => `only in B: ${name}`)];
  const parts = [
    [`A  ${a.title}`, `   ${originText(a)}`, `B  ${b.title}`, `   ${originText(b)}`].join("\n"),
    table(head, rows, "lrrrrlrl"),
    lonely.join("\n"),
    notes.join("\n"),
    [
      ...a.remarks.map((remark) => `REMARK of A: ${remark}`),
      ...b.remarks.map((remark) => `REMARK of B: ${remark}`),
    ].join("\n"),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

/** For programs: the two results without all that they were made of. */
export function comparisonJson({ a, b, ...rest }: Comparison): string {
  const origin = ({ kind, title, startedAt, commit, machine, remarks }: Result): object => {
    return { kind, title, startedAt, commit, machine, remarks };
  };
  return `${JSON.stringify({ a: origin(a), b: origin(b), ...rest }, undefined, 2)}\n`;
}

function comparedOf(a: Figure, b: Figure): Compared {
  const [ofA, ofB] = [median(a.rounds), median(b.rounds)];
  return {
    name: a.name,
    unit: a.unit,
    a: ofA,
    aRounds: a.rounds,
    b: ofB,
    bRounds: b.rounds,
    ratio: ofA === 0 ? null : ofB / ofA,
    verdict: verdict(a, b),
  };
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

function notesOn(a: Result, b: Result): string[] {
  const differs = (["cpu", "cpuCount", "memoryBytes", "node"] as const).filter(
    (key) => a.machine[key] !== b.machine[key],
  );
  const isOtherSize = JSON.stringify(a.options) !== JSON.stringify(b.options);
  return [
    ...(differs.length === 0 ? [] : [`NOT THE SAME MACHINE: ${differs.join(", ")} differ; only ratios compare`]),
    ...(isOtherSize ? ["NOT THE SAME OPTIONS: see the two files"] : []),
  ];
}
