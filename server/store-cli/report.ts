import { alignColumns } from "../text/text-table.ts";
import { formatTimestamp } from "../text/timestamp.ts";
import type { PartitionReport, StoreReport } from "./check.ts";
import type { ImportResult } from "./import/import.ts";
import type { InitResult } from "./init.ts";
import type { RestoreResult } from "./restore.ts";

const NONE = "-";

/** For people. Numbers of instances and partitions are from 1, as they are in the settings. */
export function checkLines({ store, server, members, partitions }: StoreReport): string[] {
  const { settings, standbys } = server;
  const shown = (["fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names"] as const).map(
    (name) => `${name}=${settings[name]}`,
  );
  return [
    `${store}: PostgreSQL ${server.version}, ${shown.join(" ")}`,
    ...server.refusals.map((text) => `REFUSED: ${text}`),
    ...server.warnings.map((text) => `warning: ${text}`),
    ...(standbys ?? []).map(({ name, state, syncState, lagBytes }) => {
      return `standby ${name}: ${state}, ${syncState}, ${lagBytes} bytes behind`;
    }),
    ...(members.length === 0 ? ["no members"] : []),
    ...members.map(({ number, life, address, renewedAgoMs }) => {
      return `instance ${number + 1}: ${address}, renewed ${(renewedAgoMs / 1000).toFixed(1)} s ago, life ${life}`;
    }),
    ...alignColumns([HEAD, ...partitions.map(cellsOf)]),
    ...partitions.flatMap(({ number, problems }) => problems.map((text) => `DAMAGED: partition=${number + 1} ${text}`)),
    ...partitions.flatMap(({ halted }) => (halted === undefined ? [] : [`HALTED: ${halted}`])),
  ];
}

const HEAD = ["partition", "instance", "epoch", "head", "capacity", "checkpoint at", "payments in it", "chunks", "log"];

function cellsOf({ number, owner, epoch, outline, chunkCount, problems, isRestored }: PartitionReport): string[] {
  const { head, capacity, checkpoint } = outline;
  return [
    String(number + 1),
    typeof owner === "number" ? String(owner + 1) : (owner ?? NONE),
    ...[epoch, head, capacity].map(String),
    String(checkpoint?.lsn ?? NONE),
    String(checkpoint?.rows ?? NONE),
    String(chunkCount),
    `${problems.length === 0 ? "sound" : "damaged"}${isRestored ? ", restored" : ""}`,
  ];
}

export function initLines(result: InitResult): string[] {
  if (result.kind === "refused") return result.reasons.map((text) => `REFUSED: ${text}`);
  const { from, to, partitionCount, warnings } = result;
  const partitions = `${partitionCount} partitions, version ${to}`;
  const done = from === 0 ? "the store is made" : from === to ? "the store was there" : `the store was version ${from}`;
  return [`${done}: ${partitions}`, ...warnings.map((text) => `warning: ${text}`)];
}

export function importLines(result: ImportResult): string[] {
  if (result.kind === "refused") return result.reasons.map((text) => `REFUSED: ${text}`);
  if (result.kind === "was there") return ["the journals were imported before: nothing was done"];
  const rows = result.partitions.map(({ number, payments, unsettled, wasThere }) => {
    const shown = wasThere ? ["moved before", ""] : [payments, unsettled].map(String);
    return [String(number + 1), ...shown];
  });
  return ["the journals are imported", ...alignColumns([["partition", "payments", "not settled"], ...rows])];
}

export function restoreLines(result: RestoreResult): string[] {
  if (result.kind === "refused") return result.reasons.map((text) => `REFUSED: ${text}`);
  const rows = result.partitions.map(({ number, payments, unsettled, lostFromMs, halted }) => {
    const was = halted === undefined ? NONE : halted;
    return [String(number + 1), String(payments), String(unsettled), formatTimestamp(lostFromMs), was];
  });
  const head = ["partition", "payments", "to be looked up", "may be lost from", "was halted"];
  return ["instances that are started now look up what is not settled", ...alignColumns([head, ...rows])];
}
