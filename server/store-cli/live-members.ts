import { setTimeout as pause } from "node:timers/promises";
import { LEASE_MS, RENEW_MS } from "../lease/lease-terms.ts";
import type { StoreConnection } from "./store-connection.ts";

export type MemberSeen = { number: number; life: string; address: string; renewal: string };

const MEMBERS = { text: "SELECT number, life, address, renewal FROM rinha.member ORDER BY number" };
/** Whoever is alive has renewed by then. */
const WATCH_MS = LEASE_MS + RENEW_MS;

/**
 * Who of the members is there: has renewed its lease, or joined, while it was watched for a little longer than a lease
 * lasts, by this machine's own clock. The others are gone; without any member nothing is waited for.
 */
export async function liveMembers({
  run,
}: Pick<StoreConnection, "run">): Promise<{ live: MemberSeen[]; gone: MemberSeen[] }> {
  const before = (await run(MEMBERS)) as MemberSeen[];
  if (before.length === 0) return { live: [], gone: [] };
  const seen = new Map(before.map(({ life, renewal }) => [life, renewal]));
  await pause(WATCH_MS);
  const after = (await run(MEMBERS)) as MemberSeen[];
  const isGone = ({ life, renewal }: MemberSeen): boolean => seen.get(life) === renewal;
  return { live: after.filter((member) => !isGone(member)), gone: after.filter(isGone) };
}
