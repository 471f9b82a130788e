/** What a processor's health endpoint says. */
export type PollResult = { failing: boolean; minResponseMs: number };

export type HealthAnswer = {
  /** 0 when there was no answer. */
  status: number;
  /** What the processor says of itself, if that is usable. */
  result?: PollResult;
  /** Why not: a word of a small set. */
  error?: string;
};

/** One call of a health endpoint, for whoever traces it. Times in milliseconds since the epoch, with fractions. */
export type PollReport = HealthAnswer & { processor: number; beganAtMs: number; endedAtMs: number };
