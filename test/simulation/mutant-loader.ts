/**
 * Module hooks (node:module, `register`): `x.js?mutant=NAME` is x with everything of this project that it imports, in
 * which one place of one file is changed as the deliberate bug of that name wants it. Nothing in the product knows of
 * this, and every mutant is a product of its own beside the sound one.
 */
import type { LoadHook, ResolveHook } from "node:module";
import { applyMutation } from "./apply-mutation.ts";
import { MUTATIONS } from "./mutations.ts";

const ROOT = new URL("../../", import.meta.url).href;

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const resolved = await nextResolve(specifier, context);
  const mutant = mutantOf(context.parentURL);
  if (mutant === undefined || !resolved.url.startsWith(ROOT)) return resolved;
  const url = new URL(resolved.url);
  url.searchParams.set("mutant", mutant);
  return { ...resolved, url: url.href };
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const mutant = mutantOf(url);
  const loaded = await nextLoad(url, context);
  if (mutant === undefined) return loaded;
  const mutation = MUTATIONS[mutant]!;
  if (new URL(url).pathname !== new URL(`${mutation.file}.js`, ROOT).pathname) return loaded;
  return { ...loaded, source: applyMutation(String(loaded.source), mutation, mutant) };
};

function mutantOf(url: string | undefined): string | undefined {
  const isOurs = url?.startsWith(ROOT);
  return (isOurs && new URL(url!).searchParams.get("mutant")) || undefined;
}
