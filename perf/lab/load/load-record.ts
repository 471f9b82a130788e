/** Nobody needs more of one load. */
const PAYMENT_COUNT_MAX = 10_000_000;

/**
 * What became of every payment of one load. Times are in milliseconds from its beginning; NaN: it never came to that.
 */
export class LoadRecord {
  #count = 0;
  #acceptedCount = 0;
  #failedCount = 0;
  #dueMs: Float64Array;
  #sentMs: Float64Array;
  #endedMs: Float64Array;
  #durationsMs: Float64Array;
  #statuses: Uint16Array;
  readonly #failures = new Map<string, number>();

  /** Room for so many payments; for more it grows, which takes a moment. */
  constructor(expectedCount: number) {
    const length = Math.min(Math.max(1, expectedCount), PAYMENT_COUNT_MAX);
    this.#dueMs = new Float64Array(length);
    this.#sentMs = new Float64Array(length);
    this.#endedMs = new Float64Array(length);
    this.#durationsMs = new Float64Array(length);
    this.#statuses = new Uint16Array(length);
  }

  get count(): number {
    return this.#count;
  }

  get acceptedCount(): number {
    return this.#acceptedCount;
  }

  get failedCount(): number {
    return this.#failedCount;
  }

  get dueMs(): Float64Array {
    return this.#dueMs.subarray(0, this.#count);
  }

  /** Hot. */
  sentAtMs(payment: number): number {
    return this.#sentMs[payment]!;
  }

  get sentMs(): Float64Array {
    return this.#sentMs.subarray(0, this.#count);
  }

  /** When the answer came, or when it was given up. */
  get endedMs(): Float64Array {
    return this.#endedMs.subarray(0, this.#count);
  }

  /** From the first byte sent to the last byte read: without connecting. */
  get durationsMs(): Float64Array {
    return this.#durationsMs.subarray(0, this.#count);
  }

  /** 0: no answer. */
  get statuses(): Uint16Array {
    return this.#statuses.subarray(0, this.#count);
  }

  /** `timeMs` of the payments with a wanted status, NaN of the others. */
  times(timeMs: (payment: number) => number, isWanted = isAccepted): Float64Array {
    return Float64Array.from(this.statuses, (status, payment) => (isWanted(status) ? timeMs(payment) : Number.NaN));
  }

  /** Why payments failed and how often: `timeout`, `status 503`, `no free connection`, ECONNREFUSED … */
  get failures(): Record<string, number> {
    return Object.fromEntries(this.#failures);
  }

  /** Hot. Returns the payment's number. */
  add(dueMs: number): number {
    const payment = this.#count;
    if (payment === this.#dueMs.length) this.#grow();
    this.#count++;
    this.#dueMs[payment] = dueMs;
    this.#sentMs[payment] = Number.NaN;
    this.#endedMs[payment] = Number.NaN;
    this.#durationsMs[payment] = Number.NaN;
    return payment;
  }

  /** Hot. */
  sent(payment: number, nowMs: number): void {
    this.#sentMs[payment] = nowMs;
  }

  /** Hot. */
  answered(payment: number, status: number, durationMs: number, nowMs: number): void {
    this.#endedMs[payment] = nowMs;
    this.#durationsMs[payment] = durationMs;
    this.#statuses[payment] = status;
    if (isAccepted(status)) this.#acceptedCount++;
    else this.#countFailure(`status ${status}`);
  }

  failed(payment: number, reason: string, nowMs: number): void {
    this.#endedMs[payment] = nowMs;
    this.#countFailure(reason);
  }

  #countFailure(reason: string): void {
    this.#failedCount++;
    this.#failures.set(reason, (this.#failures.get(reason) ?? 0) + 1);
  }

  #grow(): void {
    const length = Math.min(this.#count * 2, PAYMENT_COUNT_MAX);
    if (length === this.#count) throw new Error(`a load must be bounded: payments=${length} max=${PAYMENT_COUNT_MAX}`);
    const longer = (column: Float64Array): Float64Array => {
      const grown = new Float64Array(length);
      grown.set(column);
      return grown;
    };
    this.#dueMs = longer(this.#dueMs);
    this.#sentMs = longer(this.#sentMs);
    this.#endedMs = longer(this.#endedMs);
    this.#durationsMs = longer(this.#durationsMs);
    const statuses = new Uint16Array(length);
    statuses.set(this.#statuses);
    this.#statuses = statuses;
  }
}

export function isAccepted(status: number): boolean {
  return status >= 200 && status < 300;
}
