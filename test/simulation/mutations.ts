import { CORE_MUTATIONS } from "./core-mutations.ts";
import { JOURNAL_MUTATIONS } from "./journal-mutations.ts";
import type { Mutation } from "./mutation.ts";
import { SENDING_MUTATIONS } from "./sending-mutations.ts";

/** Deliberate bugs by name; each must be found. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...CORE_MUTATIONS,
  ...SENDING_MUTATIONS,
  ...JOURNAL_MUTATIONS,
};
