const ISO_8601 = /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,16}))?)?(?:Z|([+-])(\d\d):(\d\d))?)?$/;

/**
 * Microseconds since 1970, the resolution in which the real processor's database keeps requestedAt; finer digits are
 * cut off, so that a client with nanosecond clocks finds its payments in the same window. A timestamp without a zone is
 * UTC. A double holds it exactly from 1684 to 2255, and to the millisecond in every year.
 */
export function readTimestampUs(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fraction = "", sign, offsetHour, offsetMinute] =
    match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  // A day that the month does not have rolls over into the next month; a month that does not exist, into another year.
  if (date.getUTCDate() !== Number(day) || date.getUTCMonth() !== Number(month) - 1) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(offsetHour ?? 0) > 14 || Number(offsetMinute ?? 0) > 59) return undefined;
  const offsetMinutes = (sign === "-" ? -1 : 1) * (Number(offsetHour ?? 0) * 60 + Number(offsetMinute ?? 0));
  const dayMs = date.getTime();
  const timeMs = (Number(hour) * 60 + Number(minute) - offsetMinutes) * 60_000 + Number(second) * 1000;
  return (dayMs + timeMs) * 1000 + Number(fraction.slice(0, 6).padEnd(6, "0"));
}

/**
 * UTC as .NET writes a DateTime of which it does not know that: no zone, and no zeros at the end of a fraction.
 * 2025-07-15T12:34:56, 2025-07-15T12:34:56.1, 2025-07-15T12:34:56.000001
 */
export function dateTimeText(us: number): string {
  const wholeMs = Math.floor(us / 1000);
  const restUs = us - wholeMs * 1000;
  const text = new Date(wholeMs).toISOString().slice(0, -1) + String(restUs).padStart(3, "0");
  return text.replace(/\.?0+$/, "");
}
