import { decimalText } from "./amount.ts";

/** The share of every amount that the processor keeps, held as the decimal it was written as: `units` / 10^`scale`. */
export interface Fee {
  readonly text: string;
  readonly units: bigint;
  readonly scale: number;
}

/** `undefined` when it is not a plain decimal from 0 to 1. */
export function readFee(text: string): Fee | undefined {
  const match = /^([01])(?:\.(\d{1,12}))?$/.exec(text);
  if (match === null || Number(text) > 1) return undefined;
  const fraction = match[2] ?? "";
  return { text: String(Number(text)), units: BigInt(match[1]! + fraction), scale: fraction.length };
}

export function totalFeeText(totalCents: bigint, fee: Fee): string {
  return decimalText(totalCents * fee.units, 2 + fee.scale);
}
