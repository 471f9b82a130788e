/**
 * Amounts as the servers write them, into whole cents without ever being a double: a total may have more digits than
 * a double holds. `undefined` when it is no plain decimal of at most two places.
 */
export function centsOfDecimal(text: string): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d\d?)0*)?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole, fraction = ""] = match;
  const cents = BigInt(whole! + fraction.padEnd(2, "0"));
  return sign === "-" ? -cents : cents;
}

/** The JSON with every `amount` and `totalAmount` as the text that stood there. */
export function parseWithDecimals(json: string): unknown {
  return JSON.parse(json.replace(/("(?:amount|totalAmount)"\s*:\s*)(-?\d[\d.eE+-]*)/g, '$1"$2"'));
}
