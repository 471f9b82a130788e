import type { Mutation } from "./mutation.ts";

/**
 * The compiled source with the deliberate bug; throws where its place is not there exactly once. White space counts as
 * any other: the compiler has its own way with it.
 */
export function applyMutation(source: string, { find, replace }: Mutation, name: string): string {
  const pattern = find
    .split(/\s+/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+");
  const count = source.match(new RegExp(pattern, "g"))?.length ?? 0;
  if (count !== 1) throw new Error(`a mutation's place is there once: mutation="${name}" count=${count}`);
  return source.replace(new RegExp(pattern), () => replace);
}
