/**
 * Module hooks (node:module, `register`): `x.js?mutant=NAME` is x with everything of this project that it imports, in
 * which one place of one file is changed as the deliberate bug of that name wants it. Nothing in the product knows of
 * this, and every mutant is a product of its own beside the sound one.
 */
import type { LoadHook, ResolveHook } from "node:module";
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
  const { file, find, replace } = MUTATIONS[mutant]!;
  if (new URL(url).pathname !== new URL(`${file}.js`, ROOT).pathname) return loaded;
  return { ...loaded, source: replaceOnce(String(loaded.source), find, replace, mutant) };
};

function mutantOf(url: string | undefined): string | undefined {
  const isOurs = url?.startsWith(ROOT);
  return (isOurs && new URL(url!).searchParams.get("mutant")) || undefined;
}

/** White space counts as any other: the compiler has its own way with it. */
function replaceOnce(source: string, find: string, replace: string, mutant: string): string {
  const pattern = find
    .split(/\s+/)
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("\\s+");
  const count = source.match(new RegExp(pattern, "g"))?.length ?? 0;
  if (count !== 1) throw new Error(`a mutation's place is there once: mutation="${mutant}" count=${count}`);
  return source.replace(new RegExp(pattern), () => replace);
}
