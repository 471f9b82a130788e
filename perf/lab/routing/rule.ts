import { type ProcessorWeather, spellAt } from "./weather.ts";

/**
 * The rule on answer times, as one would see it who knows all: a processor that would take longer than the bound is not
 * used while a faster one works.
 */
export function isAllowed(
  processors: readonly ProcessorWeather[],
  processor: number,
  atMs: number,
  answerWithinMs: number,
): boolean {
  const { delayMs } = spellAt(processors[processor]!.spells, atMs);
  if (delayMs <= answerWithinMs) return true;
  return !processors.some(({ spells }) => {
    const spell = spellAt(spells, atMs);
    return !spell.failing && spell.delayMs < delayMs;
  });
}

/** The least fee that the rule allows at a moment, in millionths; what breaks the rule earns no more than this. */
export function leastAllowedFeePpm(
  processors: readonly ProcessorWeather[],
  atMs: number,
  answerWithinMs: number,
): number {
  const fees = processors.flatMap(({ feePpm, spells }, processor) => {
    const works = !spellAt(spells, atMs).failing && isAllowed(processors, processor, atMs, answerWithinMs);
    return works ? [feePpm] : [];
  });
  return Math.min(...fees, Number.POSITIVE_INFINITY);
}
