import type { Writing } from "../../server/store/store.ts";

/** Of a log that answers at once. */
export function writingBy(flush: () => boolean): Writing {
  return { isWritable: true, flush, durable: async () => true };
}
