/** What became of every request of one load. Times are in milliseconds from its beginning; NaN: it never came to that. */
export class LoadRecord {
  readonly dueMs: Float64Array;
  readonly sentMs: Float64Array;
  readonly answeredMs: Float64Array;
  /** 0: no answer. */
  readonly statuses: Uint16Array;
  readonly #failures = new Map<string, number>();

  constructor(dueMs: Float64Array) {
    this.dueMs = dueMs;
    this.sentMs = new Float64Array(dueMs.length).fill(Number.NaN);
    this.answeredMs = new Float64Array(dueMs.length).fill(Number.NaN);
    this.statuses = new Uint16Array(dueMs.length);
  }

  /** Why requests failed and how often: `timeout`, `status 503`, `no free connection`, ECONNREFUSED … */
  get failures(): Record<string, number> {
    return Object.fromEntries(this.#failures);
  }

  get failedCount(): number {
    return [...this.#failures.values()].reduce((sum, count) => sum + count, 0);
  }

  get acceptedCount(): number {
    return this.statuses.reduce((count, status) => count + (isAccepted(status) ? 1 : 0), 0);
  }

  /** Hot. */
  answered(request: number, status: number, nowMs: number): void {
    this.answeredMs[request] = nowMs;
    this.statuses[request] = status;
    if (!isAccepted(status)) this.failed(`status ${status}`);
  }

  failed(reason: string): void {
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }
}

export function isAccepted(status: number): boolean {
  return status >= 200 && status < 300;
}
