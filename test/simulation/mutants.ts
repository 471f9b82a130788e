import { register } from "node:module";
import type { Mode } from "./incident.ts";
import { MUTATIONS } from "./mutations.ts";

let areHooksThere = false;

/**
 * A module of the simulation, such as `./simulation.js`, that runs the product with a deliberate bug; without a name it
 * runs the sound one. The caller says what the module is.
 */
export async function mutated<Module>(module: string, mutation: string | undefined): Promise<Module> {
  if (mutation === undefined) return (await import(module)) as Module;
  if (!(mutation in MUTATIONS)) throw new Error(`a mutation must be one of the list: name=${mutation}`);
  if (!areHooksThere) register(new URL("./mutant-loader.js", import.meta.url));
  areHooksThere = true;
  return (await import(`${module}?mutant=${encodeURIComponent(mutation)}`)) as Module;
}

/** How partitions are kept where the deliberate bug of this name is looked for. */
export function modeOf(mutation: string): Mode {
  return MUTATIONS[mutation]!.mode ?? "journal";
}

export type Found = { seedCount: number; seed: number; rule: string };

/**
 * Runs the seed that is said to show a bug, then seeds from 1 on, until one fails; undefined when none of them does.
 */
export async function findMutation(name: string, seedCountMax: number): Promise<Found | undefined> {
  const { simulate } = await mutated<typeof import("./simulation.ts")>("./simulation.js", name);
  const { planOf } = await import("./plan.ts");
  for (let seedCount = 1; seedCount <= seedCountMax; seedCount++) {
    const seed = seedCount === 1 ? MUTATIONS[name]!.seed : seedCount - 1;
    const { violation } = await simulate(planOf(seed, modeOf(name)));
    // A text that is not valid where it stands is found by any seed, and shows nothing.
    if (violation?.cause instanceof ReferenceError) throw violation.cause;
    if (violation) return { seedCount, seed, rule: violation.rule };
  }
  return undefined;
}
