/** Processors by price, cheapest first; the numbers are array indices everywhere. */
export const DEFAULT = 0;
export const FALLBACK = 1;
export const PROCESSOR_COUNT = 2;
export const NO_PROCESSOR = 0xff;
export const PROCESSOR_NAMES = ["default", "fallback"] as const;
export type Processor = typeof DEFAULT | typeof FALLBACK;
