/** One place of the product, as it is compiled, and what a deliberate bug makes of it. */
export type Mutation = {
  /** Without its ending. */
  file: string;
  /** Stands there exactly once. */
  find: string;
  replace: string;
  /** One that shows the bug, to be tried first. */
  seed: number;
};
