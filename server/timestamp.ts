/** RFC 3339 timestamps in UTC. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]00:00)?$/;

export type ParsedTimestamp = {
  /** Whole milliseconds since the epoch, rounded down. */
  ms: number;
  /** Whether there was a part of a millisecond beyond `ms`. */
  hasMore: boolean;
  hasZone: boolean;
};

/** Reads a timestamp such as 2025-07-15T12:34:56.789Z, or returns undefined when it is none or names no real moment. */
export function parseTimestamp(text: string): ParsedTimestamp | undefined {
  const match = TIMESTAMP.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const fraction = (match[7] ?? "").padEnd(9, "0");
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  // A day that the month does not have comes out as another date.
  if (midnight.getUTCMonth() !== month - 1 || midnight.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + Number(fraction.slice(0, 3));
  return { ms, hasMore: Number(fraction.slice(3)) > 0, hasZone: match[8] !== undefined };
}

let secondMs = Number.NaN;
let secondText = "";

/** `2025-07-15T12:34:56.789Z`. Hot: the text of the current second is kept. `ms` is whole milliseconds since the epoch. */
export function formatTimestamp(ms: number): string {
  const startMs = Math.floor(ms / 1000) * 1000;
  if (startMs !== secondMs) {
    secondMs = startMs;
    secondText = new Date(startMs).toISOString().slice(0, 20);
  }
  const rest = ms - startMs;
  return `${secondText}${rest < 10 ? "00" : rest < 100 ? "0" : ""}${rest}Z`;
}
