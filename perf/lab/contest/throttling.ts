import { throttledPart } from "../limits/cpu-periods.ts";
import type { Sample } from "./sampler.ts";

/** From the beginning of the load; until then processes are still being compiled. */
export const STEADY_FROM_MS = 5000;

/**
 * The part of its periods in which a process was stopped by its CPU limit, from STEADY_FROM_MS on. `undefined`: it has
 * no limit, or the load was shorter.
 */
export function steadyThrottledPart(samples: readonly Sample[], name: string): number | undefined {
  const steady = samples.filter(({ atMs, cpuPeriods }) => atMs >= STEADY_FROM_MS && cpuPeriods[name] !== undefined);
  if (steady.length < 2) return undefined;
  return throttledPart(steady[0]!.cpuPeriods[name]!, steady.at(-1)!.cpuPeriods[name]!);
}
