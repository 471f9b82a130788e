/**
 * Moments as ISO 8601 and RFC 3339 have them, and as people write them:
 *
 *   2025-07-15 T 12:34 :56 .789 +03:00
 *   date         time  s   frac zone
 *
 * T may be lower case or a space. Seconds and a fraction of any length, after a point or a comma, may be left out. The
 * zone is Z, an offset (+03:00, +0300, +03, a space may stand before it), or absent, which means UTC. A space is also
 * taken for the + of an offset: that is what decoders of queries make of it. The minus may be the typographer's.
 */
const TIMESTAMP =
  /^(\d{4})-(\d\d)-(\d\d)[t ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(?: ?(?:z|([ +\-\u2212])(\d\d)(?::?(\d\d))?))?$/i;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export type ParsedTimestamp = {
  /** Whole milliseconds since the epoch, rounded down. */
  ms: number;
  /** Whether there was a part of a millisecond beyond `ms`. */
  hasMore: boolean;
};

/**
 * Reads a timestamp, or returns undefined when it is none or names no real moment. 24:00:00 is the end of the day, and
 * so the start of the next one. A leap second (23:59:60 UTC on the last day of a month) is the second after it, as in
 * all clocks that count from the epoch.
 */
export function parseTimestamp(text: string): ParsedTimestamp | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const dayMs = startOfDay(Number(match[1]), Number(match[2]), Number(match[3]));
  const hour = Number(match[4]);
  const minute = Number(match[5]);
  const second = Number(match[6] ?? 0);
  const fraction = match[7] ?? "";
  const offsetMs = readOffset(match[8], match[9], match[10]);
  if (Number.isNaN(dayMs) || offsetMs === undefined || hour > 24 || minute > 59 || second > 60) return undefined;

  const secondMs = dayMs + ((hour * 60 + minute) * 60 + second) * 1000 - offsetMs;
  const ms = secondMs + Number(`${fraction}000`.slice(0, 3));
  const hasMore = /[1-9]/.test(fraction.slice(3));
  if (hour === 24 && (ms + offsetMs !== dayMs + DAY_MS || hasMore)) return undefined;
  if (second === 60 && !startsMonth(secondMs)) return undefined;
  return { ms, hasMore };
}

/** Milliseconds of 00:00 UTC, or NaN when there is no such day. */
function startOfDay(year: number, month: number, day: number): number {
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have comes out as another date.
  return midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day ? midnight.getTime() : Number.NaN;
}

function readOffset(sign: string | undefined, hourText = "0", minuteText = "0"): number | undefined {
  const hour = Number(hourText);
  const minute = Number(minuteText);
  if (hour > 23 || minute > 59) return undefined;
  const ms = (hour * 60 + minute) * MINUTE_MS;
  return sign === "-" || sign === "\u2212" ? -ms : ms;
}

/**
 * Whether these milliseconds are 00:00:00 UTC on the first day of a month, which is where the clocks are after a leap
 * second.
 */
function startsMonth(ms: number): boolean {
  return ms % DAY_MS === 0 && new Date(ms).getUTCDate() === 1;
}

let secondMs = Number.NaN;
let secondText = "";

/**
 * `2025-07-15T12:34:56.789Z`. Hot: the text of the current second is kept. `ms` is whole milliseconds since the epoch.
 */
export function formatTimestamp(ms: number): string {
  const startMs = Math.floor(ms / 1000) * 1000;
  if (startMs !== secondMs) {
    secondMs = startMs;
    secondText = new Date(startMs).toISOString().slice(0, 20);
  }
  const rest = ms - startMs;
  return `${secondText}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
}
