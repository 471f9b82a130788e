/** An option's value as a number from `min` to `max`; throws a one-line `rule: name=value` error on anything else. */
export function readNumber(
  name: string,
  text: string | undefined,
  otherwise: number,
  min: number,
  max: number,
): number {
  if (text === undefined) return otherwise;
  const value = /^\d{1,9}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new Error(`${name} must be a number from ${min} to ${max}: ${name}=${text}`);
  }
  return value;
}

/** The same for whole numbers. */
export function readCount(name: string, text: string | undefined, otherwise: number, min: number, max: number): number {
  const value = readNumber(name, text, otherwise, min, max);
  if (!Number.isInteger(value)) throw new Error(`${name} must be a whole number: ${name}=${text}`);
  return value;
}
