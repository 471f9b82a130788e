import { JOURNAL_MUTATIONS } from "./journal-mutations.ts";
import type { Mutate } from "./mutate.ts";
import { PAYMENT_MUTATIONS } from "./payment-mutations.ts";
import { planOf } from "./plan.ts";
import { simulate } from "./simulation.ts";

/** Deliberate bugs by name. They are put in from here, so that nothing in the product knows of them; each must be found. */
export const MUTATIONS: Readonly<Record<string, Mutate>> = { ...PAYMENT_MUTATIONS, ...JOURNAL_MUTATIONS };

export type Found = { seedCount: number; seed: number; rule: string };

/** Runs seeds with a bug until one fails; undefined when none of them does. */
export function findMutation(name: string, fromSeed: number, seedCountMax: number): Promise<Found | undefined> {
  return withMutation(name, async () => {
    for (let seed = fromSeed; seed < fromSeed + seedCountMax; seed++) {
      const { violation } = await simulate(planOf(seed));
      if (violation) return { seedCount: seed - fromSeed + 1, seed, rule: violation.rule };
    }
    return undefined;
  });
}

/** Does something while the product has a bug; without a name it has none. */
export async function withMutation<T>(name: string | undefined, body: () => Promise<T>): Promise<T> {
  const mutate = name === undefined ? undefined : MUTATIONS[name];
  if (name !== undefined && mutate === undefined) throw new Error(`a mutation must be one of the list: name=${name}`);
  const undo = mutate?.();
  try {
    return await body();
  } finally {
    undo?.();
  }
}
