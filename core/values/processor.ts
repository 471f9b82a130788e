/** Processors are numbered from 0 in the order in which they are configured; the numbers are array indices. */
export const PROCESSORS_MAX = 16;
export const NO_PROCESSOR = 0xff;

/** What routing has to know of a processor. */
export type ProcessorTerms = {
  /** What journals, summaries and people call it: 1 to 24 visible ASCII characters. */
  readonly name: string;
  /** What it keeps of an amount, in millionths: 0 to 1 000 000. */
  readonly feePpm: number;
  /** Most POSTs that this process has out to it at once, at least 1. */
  readonly maxInFlight: number;
};
