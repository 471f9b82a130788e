import { alignColumns } from "../../text/text-table.ts";
import type { DoubtListing, DoubtView } from "../doubt-listing.ts";
import type { Instance } from "./instance.ts";

/** What one instance has, or why it cannot be said. */
type Part = { at: string; listing: DoubtListing } | { at: string; problem: string };

export type ListResult = { lines: string[]; problems: string[]; stuckCount: number };

/**
 * Asks all instances at once. Never rejects: an instance that does not answer is a problem beside what the others say.
 */
export async function list(instances: readonly Instance[], isJson: boolean): Promise<ListResult> {
  const parts = await Promise.all(instances.map(partOf));
  const known = parts.flatMap((part) => ("listing" in part ? [part] : []));
  const lines = isJson ? [JSON.stringify(jsonOf(known))] : known.flatMap(({ at, listing }) => linesOf(at, listing));
  return {
    lines,
    problems: parts.flatMap((part) => ("problem" in part ? [part.problem] : [])),
    stuckCount: known.reduce((sum, { listing }) => sum + listing.stuck, 0),
  };
}

function partOf(instance: Instance): Promise<Part> {
  const { at } = instance;
  return instance.listing().then(
    (listing) => ({ at, listing }),
    (error: Error) => ({ at, problem: error.message }),
  );
}

function jsonOf(known: readonly { at: string; listing: DoubtListing }[]): object {
  return {
    instances: known.map(({ at, listing: { doubts: _, ...rest } }) => ({ at, ...rest })),
    doubts: known.flatMap(({ at, listing }) => listing.doubts.map((doubt) => ({ at, ...doubt }))),
  };
}

function linesOf(at: string, { settledUntil, total, held = 0, stuck, doubts }: DoubtListing): string[] {
  const heldToo = held > 0 ? `, ${held} held` : "";
  const head = `${at}: ${total - held} in doubt${heldToo}, ${stuck} stuck, Settled-Until ${settledUntil}`;
  if (doubts.length === 0) return [head];
  const leftOut = total - doubts.length;
  const end = leftOut > 0 ? [`and ${leftOut} more`] : [];
  return [head, ...alignColumns([HEAD, ...doubts.map(cellsOf)]), ...end];
}

const NOT_KNOWN = "-";

const HEAD = [
  "correlationId",
  "amount",
  "processor",
  "requestedAt",
  "age",
  "asked",
  "answered",
  "last outcome",
  "may land",
  "held",
  "stuck",
  "holds Settled-Until",
];

function cellsOf(doubt: DoubtView): string[] {
  return [
    doubt.correlationId,
    doubt.amount.toFixed(2),
    doubt.processor ?? NOT_KNOWN,
    doubt.requestedAt ?? NOT_KNOWN,
    ageText(doubt.ageMs),
    String(doubt.asked ?? NOT_KNOWN),
    String(doubt.answered ?? NOT_KNOWN),
    doubt.lastOutcome,
    yesOrNo(doubt.mayLand),
    yesOrNo(doubt.held),
    yesOrNo(doubt.stuck),
    yesOrNo(doubt.boundsSettledUntil),
  ];
}

function yesOrNo(value: boolean): string {
  return value ? "yes" : "no";
}

/** The two largest units that there are. */
function ageText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [days, hours, minutes] = [seconds / 86_400, seconds / 3600, seconds / 60].map(Math.floor) as [
    number,
    number,
    number,
  ];
  if (days > 0) return `${days}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m ${seconds % 60}s` : `${seconds}s`;
}
