import { readFileSync } from "node:fs";

/**
 * File descriptors are shared out at the start, because a process that has none left can neither go on in a new segment
 * nor reach a processor, and uWebSockets would try to accept without a pause: the connection it cannot take stays in
 * the kernel's queue.
 *
 *   limit ─┬─ FIXED       what an instance has open by itself
 *          ├─ own needs   requests to the processors, links to the other instances; at most half of the rest
 *          └─ clients     everything else; a connection beyond it is closed as soon as it is accepted
 */
export type DescriptorShares = {
  /** Connections of clients, on all addresses together. */
  clientsMax: number;
  /** Connections with one other instance, in each direction. */
  linkMax: number;
  /** Requests in flight to each processor: what was asked for, unless there are too few descriptors for it. */
  inFlightMax: readonly number[];
};

/**
 * An instance at rest has about 35 open: threads, libraries, the journal, listeners. The rest is for a checkpoint, a
 * segment's successor, names being resolved, operators, health polls, and lookups of payments in doubt however small
 * the limit is.
 */
const FIXED = 64;
const LIMIT_MIN = FIXED + 16;
/** Per other instance and direction, if there is room: as many calls as may be under way there at a time. */
const LINK_MAX = 32;
/** Per processor: of payments in doubt, and of as many after a start with restored data. */
const LOOKUPS = 32;
/** Claims and news between health monitors: per processor, other instance and direction. */
const HEALTH_LINKS = 2;
/** Per other instance and direction: the stream of bulletins, a new one in its place, and partitions to read along. */
const STANDING_LINKS = 4;

/** Shares out `limit` descriptors; returns the shares, or what is wrong. `maxInFlight`: by processor. */
export function shareDescriptors(
  limit: number,
  maxInFlight: readonly number[],
  peerCount: number,
): DescriptorShares | string {
  if (limit < LIMIT_MIN) return `open files must be allowed (ulimit -n): limit=${limit} min=${LIMIT_MIN}`;
  const forPeers = 2 * (healthLinkMax(maxInFlight.length, peerCount) + standingLinksMax(peerCount));
  const rest = Math.max(0, limit - FIXED - forPeers);
  const wanted = sum(maxInFlight.map((max) => max + LOOKUPS)) + 2 * LINK_MAX * peerCount;
  const share = Math.min(1, rest / 2 / wanted);
  const inFlightMax = maxInFlight.map((max) => Math.max(1, Math.floor(max * share)));
  const linkMax = Math.max(1, Math.floor(LINK_MAX * share));
  const lookups = Math.floor(LOOKUPS * share);
  const own = sum(inFlightMax.map((max) => max + lookups)) + 2 * linkMax * peerCount;
  return { clientsMax: Math.max(1, rest - own), linkMax, inFlightMax };
}

/** Connections between the health monitors of this and all other instances, in each direction. */
export function healthLinkMax(processorCount: number, peerCount: number): number {
  return HEALTH_LINKS * processorCount * peerCount;
}

/** Connections between this and all other instances that are no calls, in each direction. */
export function standingLinksMax(peerCount: number): number {
  return STANDING_LINKS * peerCount;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** How many descriptors this process may have open. Node.js has raised the soft limit to the hard one. */
export function openFilesMax(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
}
