import { UUID_WORDS } from "../../../core/uuid.ts";
import { NOT_FOUND_SLOT, UuidIndex } from "../../../core/uuid-index.ts";
import type { BenchmarkPayments } from "./payments.ts";

const CHUNK_SIZE = 1024;

/**
 * Nanoseconds for what accepting a payment asks of the index alone, its memory touched before: not found, then
 * inserted. Nearly each of the two misses the caches once the index has outgrown them.
 */
export function measureIndex(size: number, payments: BenchmarkPayments): number {
  const ids = new Int32Array(size * UUID_WORDS);
  for (let n = 0; n < size; n++) payments.writeId(n, ids, n * UUID_WORDS);
  const index = new UuidIndex(ids, 0x5eed);
  for (let n = 0; n < size; n++) index.insert(n);
  index.clear();
  let foundCount = 0;
  const startMs = performance.now();
  for (let first = 0; first < size; first += CHUNK_SIZE) {
    const end = Math.min(first + CHUNK_SIZE, size);
    for (let n = first; n < end; n++) {
      if (index.find(ids, n * UUID_WORDS) !== NOT_FOUND_SLOT) foundCount++;
      index.insert(n);
    }
  }
  const elapsedMs = performance.now() - startMs;
  if (foundCount > 0 || index.size !== size) {
    throw new Error(`the benchmark must compute what it should: found=${foundCount} size=${index.size}`);
  }
  return (elapsedMs * 1e6) / size;
}
