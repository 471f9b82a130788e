/**
 * Largest amount taken, in cents (ten thousand million units). The real processor takes 28 digits; this bound keeps the
 * sum of a whole block of charges below 2^53, so that it is exact in a double.
 */
const AMOUNT_CENTS_MAX = 1e12;

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Longest run of digits that can still be an amount within bounds, with room for every digit a double can print. */
const DIGIT_COUNT_MAX = 400;

/**
 * Whole cents, halves to the even cent, as `decimal.Round(amount, 2)` does it: on the decimal digits, never on the
 * binary fraction (1.005 is exactly a half although its double lies below). `undefined` when it is no decimal or over
 * the bound.
 */
export function centsOfAmount(amount: number | string): number | undefined {
  if (typeof amount === "number") {
    // A double that equals some whole number of cents divided by 100 prints as that decimal: two different decimals
    // of at most 15 digits never share a double. This is nearly every payment, and it needs no text.
    const cents = Math.round(amount * 100);
    if (cents / 100 === amount && Math.abs(cents) <= AMOUNT_CENTS_MAX) return cents;
  }
  return centsOfDecimal(String(amount));
}

function centsOfDecimal(text: string): number | undefined {
  if (text.length > DIGIT_COUNT_MAX) return undefined;
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const fraction = match[3] ?? "";
  const digits = (match[2]! + fraction).replace(/^0+/, "");
  if (digits === "") return 0;
  // cents = digits × 10^shift
  const shift = 2 - fraction.length + Number(match[4] ?? 0);
  if (digits.length + shift > 16) return undefined;
  const cents = shift >= 0 ? Number(digits) * 10 ** shift : roundHalfEven(digits, -shift);
  if (cents > AMOUNT_CENTS_MAX) return undefined;
  return match[1] === "-" ? -cents : cents;
}

/** `digits` without its last `droppedCount` digits, rounded half to even. */
function roundHalfEven(digits: string, droppedCount: number): number {
  if (droppedCount > digits.length) return 0;
  const kept = Number(digits.slice(0, digits.length - droppedCount));
  const dropped = digits.slice(digits.length - droppedCount);
  const firstDropped = Number(dropped[0]);
  if (firstDropped !== 5) return firstDropped > 5 ? kept + 1 : kept;
  const isExactHalf = /^50*$/.test(dropped);
  return isExactHalf && kept % 2 === 0 ? kept : kept + 1;
}

/** `units` / 10^`scale` in decimal digits, all `scale` of them, at any size. */
export function decimalText(units: bigint, scale: number): string {
  const sign = units < 0n ? "-" : "";
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** The same without zeros at the end that say nothing, so nothing at all is `0`. */
export function trimmedDecimalText(units: bigint, scale: number): string {
  const text = decimalText(units, scale);
  return scale === 0 ? text : text.replace(/\.?0+$/, "");
}
