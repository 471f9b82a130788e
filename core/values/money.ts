/**
 * Money is whole cents in integers below 2^53, so sums of doubles are exact.
 * MAX_AMOUNT_CENTS × MAX_CAPACITY (ledger.ts) < 2^53 keeps every total of a partition exact as well.
 */
export const MAX_AMOUNT_CENTS = 100_000_000;

/** The amount rounds to more than MAX_AMOUNT_CENTS. */
export const TOO_LARGE = -1;

const ZERO = 0x30;
const DOT = 0x2e;

/**
 * Cents of the plain decimal text `digits[.digits]` in bytes[start … end), rounded half to even as the processors round
 * (System.Decimal's default), or TOO_LARGE. The caller has checked the grammar.
 * Hot: reads digits once, no string, no float.
 */
export function centsFromDecimal(bytes: Uint8Array, start: number, end: number): number {
  let cents = 0;
  let i = start;
  for (; i < end && bytes[i] !== DOT; i++) {
    cents = cents * 10 + (bytes[i]! - ZERO);
    if (cents > MAX_AMOUNT_CENTS) return TOO_LARGE;
  }
  const fraction = i + 1;
  cents = cents * 100 + digitAt(bytes, fraction, end) * 10 + digitAt(bytes, fraction + 1, end);
  if (roundsUp(bytes, fraction + 2, end, cents % 2 === 1)) cents++;
  return cents > MAX_AMOUNT_CENTS ? TOO_LARGE : cents;
}

/**
 * The same for a positive finite number, through its shortest decimal text: exact for every amount of at most 15
 * significant digits.
 */
export function centsFromNumber(amount: number): number {
  if (amount > MAX_AMOUNT_CENTS) return TOO_LARGE;
  // Below this it rounds to nothing, and the shortest text would have an exponent.
  if (amount < 0.001) return 0;
  const text = String(amount);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return centsFromDecimal(bytes, 0, bytes.length);
}

/** `1990` → `"19.90"`; takes a BigInt too, for sums over partitions. */
export function formatCents(cents: number | bigint): string {
  const text = cents.toString().padStart(3, "0");
  return `${text.slice(0, -2)}.${text.slice(-2)}`;
}

function digitAt(bytes: Uint8Array, index: number, end: number): number {
  return index < end ? bytes[index]! - ZERO : 0;
}

/**
 * Whether the digits from `index` on are more than half of the last kept place, or exactly half with an odd one before.
 */
function roundsUp(bytes: Uint8Array, index: number, end: number, lastKeptIsOdd: boolean): boolean {
  const first = digitAt(bytes, index, end);
  if (first !== 5) return first > 5;
  for (let i = index + 1; i < end; i++) if (bytes[i] !== ZERO) return true;
  return lastKeptIsOdd;
}
