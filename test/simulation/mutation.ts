import type { Mode } from "./incident.ts";

/** One place of the product, as it is compiled, and what a deliberate bug makes of it. */
export type Mutation = {
  /** Without its ending. */
  file: string;
  /** Stands there exactly once. */
  find: string;
  replace: string;
  /** One that shows the bug, to be tried first. */
  seed: number;
  /** How partitions are kept in the runs that are to find it: as journals, unless something is said here. */
  mode?: Mode;
};
