import { SCHEMA_1 } from "./schema-1.ts";

/** What makes each version of the one before, the first of an empty database. */
export const SCHEMA_STEPS: readonly string[] = [SCHEMA_1];

/** Version that this release works with. */
export const SCHEMA_VERSION = SCHEMA_STEPS.length;

/** Of a generation of chunks: where it has its table. */
export function chunkTable(generation: number): string {
  return `rinha.chunk_${generation}`;
}
