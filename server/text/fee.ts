/** The share of an amount that a processor keeps, held as the decimal it was written as: `units` / 10^`scale`. */
export type Fee = { readonly text: string; readonly units: bigint; readonly scale: number };

/** `undefined` when it is not a plain decimal from 0 to 1. */
export function readFee(text: string): Fee | undefined {
  const match = /^([01])(?:\.(\d{1,12}))?$/.exec(text);
  if (match === null || Number(text) > 1) return undefined;
  const fraction = match[2] ?? "";
  return { text: String(Number(text)), units: BigInt(match[1]! + fraction), scale: fraction.length };
}

/** The fee on a total, in whole cents, rounded once and half to even. `totalCents` is a whole number from 0 to 2^53. */
export function feeCents(totalCents: number, { units, scale }: Fee): number {
  const one = 10n ** BigInt(scale);
  const product = BigInt(totalCents) * units;
  const cents = product / one;
  const twiceRest = (product % one) * 2n;
  const roundsUp = twiceRest > one || (twiceRest === one && cents % 2n === 1n);
  return Number(roundsUp ? cents + 1n : cents);
}
