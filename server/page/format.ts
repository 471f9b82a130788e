const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const NOTHING = "–";

export function formatCount(count: number): string {
  return whole.format(count);
}

export function formatRate(perS: number | undefined): string {
  if (perS === undefined) return NOTHING;
  return (perS < 10 ? tenths : whole).format(perS);
}

/** Three digits at most, as a reader needs. */
export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return NOTHING;
  if (ms < 10) return ms.toFixed(ms < 1 ? 2 : 1);
  return whole.format(ms);
}

export function formatMoney(cents: number): string {
  return money.format(cents / 100);
}

export function formatPercent(fraction: number): string {
  return `${tenths.format(fraction * 100)} %`;
}

/** As much of a name as there is room for: its beginning and its end, which is where names differ most. */
export function shorten(name: string, lengthMax: number): string {
  if (name.length <= lengthMax) return name;
  const tail = Math.floor((lengthMax - 1) / 2);
  return `${name.slice(0, lengthMax - 1 - tail)}…${name.slice(name.length - tail)}`;
}

export function formatTime(atS: number): string {
  return new Date(atS * 1000).toLocaleTimeString("en-GB");
}
