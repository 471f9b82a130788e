/** Over requestedAt, whole milliseconds since 1970, both ends inclusive. */
export type TimeWindow = {
  readonly fromMs: number;
  readonly toMs: number;
};

/** Before any payment. */
export const EPOCH_MS = 0;

/** A moment such as 2025-07-15T12:34:56.789Z; without a zone it would mean something else on every machine. */
export function readMomentMs(name: string, text: string): number {
  const ms = /T.*(Z|[+-]\d\d:\d\d)$/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new Error(`${name} must be a moment such as 2025-07-15T12:34:56.789Z: ${name}=${text}`);
  return ms;
}

/**
 * The query for the window. The end reaches to the last microsecond of its millisecond, so that a window and the next
 * one leave out nothing that somebody with a finer clock has charged between them.
 */
export function windowQuery({ fromMs, toMs }: TimeWindow): string {
  const from = new Date(fromMs).toISOString();
  const to = `${new Date(toMs).toISOString().slice(0, -1)}999Z`;
  return `from=${from}&to=${to}`;
}

export function isWithin(ms: number, { fromMs, toMs }: TimeWindow): boolean {
  return ms >= fromMs && ms <= toMs;
}

/** The earlier and the later half; `undefined` for a single millisecond. */
export function halves({ fromMs, toMs }: TimeWindow): readonly [TimeWindow, TimeWindow] | undefined {
  if (fromMs >= toMs) return undefined;
  const middleMs = Math.floor((fromMs + toMs) / 2);
  return [
    { fromMs, toMs: middleMs },
    { fromMs: middleMs + 1, toMs },
  ];
}
