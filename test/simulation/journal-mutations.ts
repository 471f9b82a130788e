import type { Mutate } from "./mutate.ts";
export const JOURNAL_MUTATIONS: Readonly<Record<string, Mutate>> = {};
