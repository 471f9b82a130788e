/** Milliseconds since 1970, with fractions, never going back. */
export type Clock = () => number;

export const monotonicClock: Clock = () => performance.timeOrigin + performance.now();
