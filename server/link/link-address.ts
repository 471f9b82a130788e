import type { LookupFunction } from "node:net";
import { type Address, formatHostPort } from "../system/address.ts";
import type { NameLookup } from "../system/name-lookup.ts";

/** An instance's address in undici's terms: as the origin of its paths. */
export function originOf(address: Address): string {
  return address.kind === "unix" ? "http://instance" : `http://${formatHostPort(address)}`;
}

/** And as the way to connect to it. */
export function connectOptions(
  address: Address,
  { lookup }: NameLookup,
  timeoutMs: number,
): { timeout: number; lookup: LookupFunction; socketPath?: string } {
  return { timeout: timeoutMs, lookup, ...(address.kind === "unix" && { socketPath: address.path }) };
}
