/** What has piled up leaves in about this time … */
const DRAIN_MS = 4000;
/** … but no slower than this. */
const DRAIN_PER_MS_MIN = 0.5;
/** Sends saved up at most, so that no burst follows a pause. */
const CREDIT_MAX = 16;

/**
 * How many payments may be sent now. What has just come in is sent at once; what piled up while no processor took it leaves evenly
 * over some seconds. Flushed at full speed it would use up the CPU quota of the moment, and everybody who then wants a payment accepted
 * would wait for the next one: up to 100 ms under the contest's limits.
 *
 *   credit: +1 for every payment accepted, + backlog ÷ 4 s (at least 500 per second), −1 for every request; at most 16 beyond what came in
 */
export class SendPacer {
  #credit = CREDIT_MAX;
  #head: number;
  #atMs = Number.NEGATIVE_INFINITY;

  /** `head`: payments accepted so far; those that wait already count as piled up. */
  constructor(head: number) {
    this.#head = head;
  }

  /** `head`: payments accepted so far; `pendingCount`: how many of them wait. Hot. */
  refill(nowMs: number, head: number, pendingCount: number): void {
    const acceptedCount = head - this.#head;
    const drained = (nowMs - this.#atMs) * Math.max(DRAIN_PER_MS_MIN, pendingCount / DRAIN_MS);
    this.#credit = Math.min(this.#credit + drained, CREDIT_MAX) + acceptedCount;
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
