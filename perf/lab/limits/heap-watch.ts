import { type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapStatistics } from "node:v8";

/** Entries come a moment after the collection they tell of. */
const OBSERVER_DELAY_MS = 50;
const CALIBRATION_COUNT = 100;

export type HeapUse = {
  /** By which the JavaScript heap grew for each operation; buffers are not in it. */
  readonly bytesPerOperation: number;
  readonly gcCount: number;
  readonly gcMs: number;
};

/**
 * What stretches of a benchmark leave on the heap, and the collections within them. What is done between stretches
 * does not count.
 */
export class HeapWatch {
  readonly #entries: PerformanceEntry[] = [];
  readonly #observer = new PerformanceObserver((list) => this.#entries.push(...list.getEntries()));
  readonly #startsMs: number[] = [];
  readonly #endsMs: number[] = [];
  /** By which the heap grows when nothing is done in a stretch. */
  readonly #ownBytes: number;
  #allocatedBytes = 0;
  #operationCount = 0;

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
    this.#ownBytes = this.#calibrate();
  }

  /** Runs `work`, which is so many operations, and returns how long it took, in milliseconds. */
  stretch(operationCount: number, work: () => void): number {
    const bytesBefore = getHeapStatistics().used_heap_size;
    const startMs = performance.now();
    work();
    const endMs = performance.now();
    const bytes = getHeapStatistics().used_heap_size - bytesBefore - this.#ownBytes;
    this.#startsMs.push(startMs);
    this.#endsMs.push(endMs);
    // After a collection the heap is smaller, and nobody can say by how much it had grown.
    if (bytes >= -this.#ownBytes) {
      this.#allocatedBytes += bytes;
      this.#operationCount += operationCount;
    }
    return endMs - startMs;
  }

  async end(): Promise<HeapUse> {
    await sleep(OBSERVER_DELAY_MS);
    this.#observer.disconnect();
    const within = this.#entries.filter(({ startTime }) => this.#isWithin(startTime));
    return {
      bytesPerOperation: this.#allocatedBytes / this.#operationCount,
      gcCount: within.length,
      gcMs: within.reduce((sum, { duration }) => sum + duration, 0),
    };
  }

  #isWithin(ms: number): boolean {
    let low = 0;
    let high = this.#startsMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#startsMs[middle]! <= ms) low = middle + 1;
      else high = middle;
    }
    return low > 0 && ms <= this.#endsMs[low - 1]!;
  }

  #calibrate(): number {
    const growths = Array.from({ length: CALIBRATION_COUNT }, () => {
      const bytesBefore = getHeapStatistics().used_heap_size;
      performance.now();
      performance.now();
      return getHeapStatistics().used_heap_size - bytesBefore;
    });
    return growths.toSorted((a, b) => a - b)[CALIBRATION_COUNT >> 1]!;
  }
}
