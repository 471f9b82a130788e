/** For people: four significant digits, all of a large whole number's, thousands apart. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1000) return groupThousands(Math.round(value).toString());
  if (size === 0) return "0";
  const digits = Math.max(0, 3 - Math.floor(Math.log10(size)));
  // Trailing zeros are noise: 2.500 is 2.5.
  return Number(value.toFixed(Math.min(digits, 9))).toString();
}

function groupThousands(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, " ");
}
