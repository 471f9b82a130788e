import { trimmedDecimalText } from "./amount.ts";

/** The share of every amount that the processor keeps, as the decimal it was written as: `units` / 10^`scale`. */
export type Fee = { readonly units: bigint; readonly scale: number };

/** `undefined` when it is not a plain decimal from 0 to 1, of at most 12 places. */
export function readFee(text: string): Fee | undefined {
  const match = /^([01])(?:\.(\d{1,12}))?$/.exec(text);
  if (match === null || Number(text) > 1) return undefined;
  const fraction = match[2] ?? "";
  return { units: BigInt(match[1]! + fraction), scale: fraction.length };
}

/** The fee on a total of cents, exactly: nothing is rounded. */
export function totalFeeText(totalCents: bigint, { units, scale }: Fee): string {
  return trimmedDecimalText(totalCents * units, 2 + scale);
}

export function feeText({ units, scale }: Fee): string {
  return trimmedDecimalText(units, scale);
}
