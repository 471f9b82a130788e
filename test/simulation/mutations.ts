import { CORE_MUTATIONS } from "./core-mutations.ts";
import { JOURNAL_MUTATIONS } from "./journal-mutations.ts";
import { LEASE_MUTATIONS } from "./lease-mutations.ts";
import type { Mutation } from "./mutation.ts";
import { PARTITION_MUTATIONS } from "./partition-mutations.ts";
import { ROUTING_MUTATIONS } from "./routing-mutations.ts";
import { SENDING_MUTATIONS } from "./sending-mutations.ts";

/** Deliberate bugs by name; each must be found. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  ...CORE_MUTATIONS,
  ...ROUTING_MUTATIONS,
  ...SENDING_MUTATIONS,
  ...JOURNAL_MUTATIONS,
  ...PARTITION_MUTATIONS,
  ...LEASE_MUTATIONS,
};
