/** A stretch of the load at a constant rate. */
export type RateStage = {
  readonly ratePerSecond: number;
  readonly durationMs: number;
};

/** Nobody needs more of one load, and its times are all kept in memory. */
export const ARRIVAL_COUNT_MAX = 10_000_000;

/**
 * When each request is due, in milliseconds from the beginning, ascending, in memory that threads can share. Known before the
 * first one leaves: nothing that happens to a request can move the next (no coordinated omission).
 */
export function scheduleArrivals(stages: readonly RateStage[]): Float64Array<SharedArrayBuffer> {
  for (const { ratePerSecond, durationMs } of stages) {
    if (!(ratePerSecond > 0 && durationMs >= 0)) {
      throw new Error(
        `a stage must have a rate and a duration: ratePerSecond=${ratePerSecond} durationMs=${durationMs}`,
      );
    }
  }
  const counts = stages.map(({ ratePerSecond, durationMs }) => Math.round((ratePerSecond * durationMs) / 1000));
  const count = counts.reduce((sum, one) => sum + one, 0);
  if (!(count <= ARRIVAL_COUNT_MAX))
    throw new Error(`a load must be bounded: requests=${count} max=${ARRIVAL_COUNT_MAX}`);
  const dueMs = new Float64Array(new SharedArrayBuffer(count * Float64Array.BYTES_PER_ELEMENT));
  let at = 0;
  let stageStartMs = 0;
  for (const [i, { ratePerSecond, durationMs }] of stages.entries()) {
    for (let k = 0; k < counts[i]!; k++) dueMs[at++] = stageStartMs + (k * 1000) / ratePerSecond;
    stageStartMs += durationMs;
  }
  return dueMs;
}
