/** A whole number in digits. Throws a one-line `rule: name=value` error on anything else. */
export function readWholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${name} must be a whole number from ${min} to ${max}: ${name}=${text}`);
}

/** A decimal such as `0.3`. Throws a one-line `rule: name=value` error on anything else. */
export function readDecimal(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}(\.\d{1,12})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${name} must be a decimal from ${min} to ${max}: ${name}=${text}`);
}

/** Seconds with decimals, as milliseconds. Throws a one-line `rule: name=value` error on anything else. */
export function readSecondsMs(name: string, text: string, minSeconds: number, maxSeconds: number): number {
  return readDecimal(name, text, minSeconds, maxSeconds) * 1000;
}
