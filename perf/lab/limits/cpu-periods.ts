/** Periods of 100 ms in which a group had something to do, and those of them in which its CPU limit stopped it. */
export type CpuPeriods = {
  readonly periodCount: number;
  readonly throttledCount: number;
};

/** The part of the periods between two readings in which the group was stopped; 0 where there was none. */
export function throttledPart(before: CpuPeriods, after: CpuPeriods): number {
  const periodCount = after.periodCount - before.periodCount;
  return periodCount <= 0 ? 0 : (after.throttledCount - before.throttledCount) / periodCount;
}

/** By name, of those that are there. */
export function periodsOf(usages: readonly (readonly [string, CpuPeriods | undefined])[]): Record<string, CpuPeriods> {
  const there = usages.flatMap(([name, usage]) => (usage === undefined ? [] : [[name, usage] as const]));
  return Object.fromEntries(
    there.map(([name, { periodCount, throttledCount }]) => [name, { periodCount, throttledCount }]),
  );
}
