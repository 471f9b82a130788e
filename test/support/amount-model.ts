/**
 * What an amount is in cents, by the book: decimal digits in BigInt, rounded half to even; no floating point anywhere.
 */
export function centsByTheBook(numberText: string): bigint {
  const match = /^(?<sign>-?)(?<whole>\d+)(?:\.(?<fraction>\d+))?(?:[eE](?<exponent>[+-]?\d+))?$/.exec(numberText);
  if (!match?.groups) throw new Error(`must be a JSON number: text=${numberText}`);
  const { sign, whole, fraction = "", exponent = "0" } = match.groups;
  const units = BigInt(whole! + fraction);
  // cents = units × 10^shift
  const shift = Number(exponent) - fraction.length + 2;
  const cents = shift >= 0 ? units * 10n ** BigInt(Math.min(shift, 400)) : halfToEven(units, 10n ** BigInt(-shift));
  return sign === "-" ? -cents : cents;
}

function halfToEven(units: bigint, divisor: bigint): bigint {
  const quotient = units / divisor;
  const twice = (units % divisor) * 2n;
  if (twice === divisor) return quotient + (quotient % 2n);
  return twice > divisor ? quotient + 1n : quotient;
}
