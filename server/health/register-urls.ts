import type { NameLookup } from "../system/name-lookup.ts";
import type { Time } from "../system/time.ts";
import type { OpenRegister } from "./poll-register.ts";
import { connectPostgres } from "./postgres-connection.ts";
import type { ProcessorKey } from "./processor-key.ts";
import { RedisRegister } from "./redis-register.ts";
import { TableRegister } from "./table-register.ts";

/** Where the right to poll is kept. Redis comes first; neither: the instances ask each other. */
export type RegisterUrls = {
  /** redis or rediss. */
  healthUrl?: string | undefined;
  /** postgres, as STORE_URL has it. */
  storeUrl?: string | undefined;
};

/** How connections to the register are opened, if there is one. */
export function registerOf(
  { healthUrl, storeUrl }: RegisterUrls,
  processors: readonly ProcessorKey[],
  { names, time }: { names: NameLookup; time: Time },
): OpenRegister | undefined {
  if (healthUrl !== undefined) return (listener) => new RedisRegister(new URL(healthUrl), processors, names, listener);
  if (storeUrl !== undefined) {
    return (listener) => new TableRegister(() => connectPostgres(storeUrl, processors), time, listener);
  }
  return undefined;
}
