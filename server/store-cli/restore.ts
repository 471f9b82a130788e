import { Ledger } from "../../core/ledger/ledger.ts";
import { WATERMARK_STEP_MS } from "../../core/log/watermark-bound.ts";
import * as State from "../../core/values/state.ts";
import { ChunkReader } from "../lease/chunk-reader.ts";
import type { Database } from "../lease/database.ts";
import { sizeOf } from "../lease/lease-claim.ts";
import type { StoreTarget } from "../postgres/store-url.ts";
import { RealTime } from "../system/time.ts";
import type { Progress } from "../text/progress.ts";
import { liveMembers, type MemberSeen } from "./live-members.ts";
import { type StoreConnection, withStore } from "./store-connection.ts";

export type RestoreResult =
  | { kind: "restored"; partitions: readonly RestoredPartition[] }
  | { kind: "refused"; reasons: readonly string[] };

export type RestoredPartition = {
  number: number;
  payments: number;
  /** Neither charged nor given up, as far as the log knows: to be looked up at every processor. */
  unsettled: number;
  /** What was written after it may be lost. */
  lostFromMs: number;
  /** Why nobody could claim it until now. */
  halted: string | undefined;
};

type Found = RestoredPartition & { head: number };

/** Clocks of instances and database agree within a minute: no payment is older than the store by more. */
const CLOCK_DIFFERENCE_MS = 60_000;
/**
 * Epochs that were given out in what is lost, and that their former carriers may still have, are not given out again:
 * there were not that many claims and unknown commits.
 */
const EPOCHS_SKIPPED = 1000;

const READ_STORE = {
  text: "SELECT extract(epoch FROM created_at) * 1000 AS created_ms, partition_count, importing FROM rinha.store",
};
const READ_HALTED = { text: "SELECT number, halted FROM rinha.partition ORDER BY number" };
const LOCK = { text: "SELECT number, head FROM rinha.partition ORDER BY number FOR NO KEY UPDATE" };
/** Of those that were seen to renew no more. */
const DROP_MEMBERS = {
  text:
    "DELETE FROM rinha.member m USING unnest($1::text[], $2::text[]) AS s(life, renewal) " +
    "WHERE m.life = s.life AND m.renewal = s.renewal",
};
const COUNT_MEMBERS = { text: "SELECT count(*) AS count FROM rinha.member" };
/** What an earlier loss left open stays open. The next claim says since when. */
const MARK = {
  text: `
UPDATE rinha.partition SET life = NULL, halted = NULL, is_restored = true, restored_since_ms = NULL,
  lost_from_ms = least(lost_from_ms, $2::double precision), epoch = epoch + $3, since = epoch + $3
WHERE number = $1`,
};

/**
 * Says of all partitions that records after the end of their logs may be lost, because the data came from a backup or
 * a standby that did not have everything: what is not settled is then looked up before it is sent. All of it or
 * nothing. Refused while an instance is there; takes as long as a lease where there was one.
 */
export function restore(target: StoreTarget, progress: Progress): Promise<RestoreResult> {
  return withStore(target, async (store): Promise<RestoreResult> => {
    await store.database.layout();
    const [row] = await store.run(READ_STORE);
    if (row!["importing"] !== null)
      return { kind: "refused", reasons: ["an import must be finished first: finished=no"] };
    const { live, gone } = await liveMembers(store);
    if (live.length > 0) return { kind: "refused", reasons: live.map(isThere) };
    const found = await readPartitions(store, progress);
    const reasons = await mark(store, found, gone);
    if (reasons.length > 0) return { kind: "refused", reasons };
    return { kind: "restored", partitions: found.map(({ head, ...partition }) => partition) };
  });
}

function isThere({ number, address }: MemberSeen): string {
  return `all instances must be stopped first: INSTANCE=${number + 1} address=${address}`;
}

async function readPartitions({ database, run }: StoreConnection, progress: Progress): Promise<Found[]> {
  const [store] = await run(READ_STORE);
  const createdMs = Number(store!["created_ms"]);
  const found: Found[] = [];
  for (const row of await run(READ_HALTED)) {
    const number = row["number"] as number;
    const halted = (row["halted"] as string | null) ?? undefined;
    found.push({ ...(await readPartition(database, number, createdMs)), halted });
    progress(`partition ${number + 1} of ${store!["partition_count"]} read`);
  }
  return found;
}

async function readPartition(database: Database, number: number, createdMs: number): Promise<Omit<Found, "halted">> {
  const outline = await database.outline(number);
  const ledger = new Ledger(sizeOf(outline, 1).capacity, 0, 1);
  const reader = new ChunkReader(database, number, ledger, [], new RealTime());
  await reader.begin(outline.checkpoint);
  await reader.readOn();
  const { lsn, latestMs } = reader;
  if (lsn !== outline.head)
    throw new Error(`a log must reach its head: partition=${number + 1} lsn=${lsn} head=${outline.head}`);
  const unsettled = [State.PENDING, State.SENDING, State.IN_DOUBT].reduce((sum, s) => sum + ledger.countIn(s), 0);
  // The log may be ahead of its records by as much as it reserves for watermarks.
  const lostFromMs = latestMs > 0 ? latestMs - WATERMARK_STEP_MS : createdMs - CLOCK_DIFFERENCE_MS;
  return { number, payments: ledger.size, unsettled, lostFromMs: Math.max(0, Math.floor(lostFromMs)), head: lsn };
}

/** Returns why that cannot be; then nothing is changed. */
async function mark({ run }: StoreConnection, found: readonly Found[], gone: readonly MemberSeen[]): Promise<string[]> {
  await run({ text: "BEGIN" });
  try {
    const reasons = await changesSince(run, found, gone);
    for (const { number, lostFromMs } of reasons.length > 0 ? [] : found)
      await run(MARK, [number, lostFromMs, EPOCHS_SKIPPED]);
    await run({ text: reasons.length > 0 ? "ROLLBACK" : "COMMIT" });
    return reasons;
  } catch (error) {
    await run({ text: "ROLLBACK" }).catch(() => undefined);
    throw error;
  }
}

/** Locks all partitions; what is told about them then is the last word. */
async function changesSince(
  run: StoreConnection["run"],
  found: readonly Found[],
  gone: readonly MemberSeen[],
): Promise<string[]> {
  const heads = new Map((await run(LOCK)).map(({ number, head }) => [number as number, head as number]));
  const moved = found.filter(({ number, head }) => heads.get(number) !== head);
  await run(DROP_MEMBERS, [gone.map(({ life }) => life), gone.map(({ renewal }) => renewal)]);
  const [row] = await run(COUNT_MEMBERS);
  const count = row!["count"] as number;
  return [
    ...(count > 0 ? [`all instances must be stopped first: members=${count}`] : []),
    ...moved.map(({ number }) => `a log must not be written meanwhile: partition=${number + 1}`),
  ];
}
