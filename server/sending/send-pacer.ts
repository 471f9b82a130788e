/** What has piled up leaves in about this time, but no slower than this, while payments come in … */
const DRAIN_MS = 4000;
const DRAIN_PER_MS_MIN = 0.5;
/** … and in this, once none has come in for a while: nobody is kept waiting. */
const QUIET_AFTER_MS = 250;
const QUIET_DRAIN_MS = 400;
const QUIET_DRAIN_PER_MS_MIN = 5;
/** Sends saved up at most, so that no burst follows a pause. */
const CREDIT_MAX = 16;

/**
 * How many payments may be sent now. What has just come in is sent at once; what piled up while no processor took it
 * leaves evenly over some seconds. Flushed at full speed it would use up the CPU quota of the moment, and everybody who
 * then wants a payment accepted would wait for the next one: up to 100 ms under the contest's limits.
 *
 *   credit: +1 for every payment accepted, + backlog ÷ 4 s (at least 500 per second), −1 for every request; at most
 *           16 beyond what came in; ten times the backlog's part once nothing has come in for 250 ms
 */
export class SendPacer {
  #credit = CREDIT_MAX;
  #head: number;
  #atMs = Number.NEGATIVE_INFINITY;
  #acceptedAtMs = Number.NEGATIVE_INFINITY;

  /** `head`: payments accepted so far; those that wait already count as piled up. */
  constructor(head: number) {
    this.#head = head;
  }

  /** `head`: payments accepted so far; `pendingCount`: how many of them wait. Hot. */
  refill(nowMs: number, head: number, pendingCount: number): void {
    const acceptedCount = head - this.#head;
    if (acceptedCount > 0) this.#acceptedAtMs = nowMs;
    const perMs =
      nowMs - this.#acceptedAtMs < QUIET_AFTER_MS
        ? Math.max(DRAIN_PER_MS_MIN, pendingCount / DRAIN_MS)
        : Math.max(QUIET_DRAIN_PER_MS_MIN, pendingCount / QUIET_DRAIN_MS);
    this.#credit = Math.min(this.#credit + (nowMs - this.#atMs) * perMs, CREDIT_MAX) + acceptedCount;
    this.#head = head;
    this.#atMs = nowMs;
  }

  get hasCredit(): boolean {
    return this.#credit >= 1;
  }

  sent(): void {
    this.#credit--;
  }
}
