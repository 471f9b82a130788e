import type { Figure } from "./result.ts";

/**
 * A figure with one value for each round, in the order they were measured. Throws unless there are some, all of them
 * finite.
 */
export function figure(name: string, unit: string, better: Figure["better"], rounds: readonly number[]): Figure {
  if (rounds.length === 0) throw new Error(`a figure must have rounds: figure=${name}`);
  const bad = rounds.find((value) => !Number.isFinite(value));
  if (bad !== undefined) throw new Error(`a figure's rounds must be finite: figure=${name} value=${bad}`);
  return { name, unit, better, rounds: [...rounds] };
}

/** Ratios carry over from one machine to another; times do not. */
export function isRatio({ unit }: Figure): boolean {
  return unit === "ratio";
}

/** A figure of what `pick` takes from each round. */
export function figureOf<Round>(
  name: string,
  unit: string,
  better: Figure["better"],
  rounds: readonly Round[],
  pick: (round: Round, i: number) => number,
): Figure {
  return figure(name, unit, better, rounds.map(pick));
}

/** Of an even number the mean of the two in the middle; NaN of none. */
export function median(rounds: readonly number[]): number {
  const sorted = rounds.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle]!;
  return sorted.length === 0 ? Number.NaN : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export type Spread = {
  readonly min: number;
  readonly max: number;
};

/** The least and the largest of the rounds, of which there is at least one. */
export function spread(rounds: readonly number[]): Spread {
  return { min: Math.min(...rounds), max: Math.max(...rounds) };
}
