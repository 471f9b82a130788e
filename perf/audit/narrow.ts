import { halves, type TimeWindow } from "./window.ts";

export type Narrowed = {
  /** Single milliseconds, earliest first. */
  readonly windows: TimeWindow[];
  /** False when there are more than were asked for. */
  readonly isComplete: boolean;
};

/**
 * The milliseconds of `window` in which two sides differ, found by halving: about forty questions for each, whatever
 * the number of payments. Where the sides agree on a half, nothing inside it is looked at.
 */
export async function narrow(
  window: TimeWindow,
  countMax: number,
  differs: (window: TimeWindow) => Promise<boolean>,
): Promise<Narrowed> {
  const windows: TimeWindow[] = [];
  const open = [window];
  while (open.length > 0) {
    if (windows.length === countMax) return { windows, isComplete: false };
    const next = open.pop()!;
    if (!(await differs(next))) continue;
    const parts = halves(next);
    if (parts === undefined) windows.push(next);
    else open.push(parts[1], parts[0]);
  }
  return { windows, isComplete: true };
}
