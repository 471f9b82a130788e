import type { Ledger } from "../../../core/ledger/ledger.ts";
import type { Salvage } from "../../../core/salvage/salvage.ts";
import { formatCents } from "../../../core/values/money.ts";
import type { Sequence, Slot } from "../../../core/values/number-types.ts";
import * as State from "../../../core/values/state.ts";
import type { Told } from "../../sending/told-charge.ts";
import { alignColumns } from "../../text/text-table.ts";
import { kindName, processorName, timeText } from "../names.ts";
import type { Asked } from "./inquiry.ts";
import type { Damage } from "./salvage-files.ts";

/** A payment of which records may be lost. */
export type Doubtful = {
  /** In the damaged journal. */
  sequence: Sequence;
  correlationId: string;
  amount: string;
  /** What is left of the log says this. */
  log: string;
  /** By name of the processor. */
  told: Record<string, string>;
  /** What the new journal says. */
  written: "processed" | "in doubt" | "pending";
  processor: string | null;
  requestedAt: string | null;
  chargedTwice: boolean;
};

/** Payments whose acceptance is lost: they are not in the new journal. */
export type LostPayments = {
  fromSequence: number;
  /** Null: nobody knows how many there were, if any. */
  toSequence: number | null;
  lastKnown: string;
};

export type Repaired = {
  directory: string;
  /** Undefined: nothing is damaged, and nothing was written. */
  out: string | undefined;
  damages: Damage[];
  /** Payments in the new journal, or in the sound one. */
  kept: number;
  /** Sound records that fit no payment, passed over. */
  passedOver: number;
  payments: Doubtful[];
  lost: LostPayments[];
};

/** What the log says of a suspect, before anything found is written. */
export function logText(ledger: Ledger, names: readonly string[], { suspect }: Asked): string {
  const slot = ledger.slotOf(suspect.sequence);
  const { chargedAt } = suspect;
  if (chargedAt !== undefined) return `charged at ${processorName(names, chargedAt)}, at an unknown time`;
  return boundText(ledger, names, slot);
}

/** After what was found is written. `log`: what the log said. */
export function describePayment(
  ledger: Ledger,
  names: readonly string[],
  { suspect, correlationId, told, charge }: Asked,
  log: string,
): Doubtful {
  const slot = ledger.slotOf(suspect.sequence);
  const { rows } = ledger;
  const state = rows.state[slot]!;
  const isBound = state !== State.PENDING;
  return {
    sequence: suspect.original,
    correlationId,
    amount: formatCents(rows.cents[slot]!),
    log,
    told: Object.fromEntries(names.map((name, p) => [name, toldText(told[p])])),
    // What was being sent is in doubt as soon as an instance starts with it.
    written: state === State.PROCESSED ? "processed" : isBound ? "in doubt" : "pending",
    processor: isBound ? processorName(names, rows.processor[slot]!) : null,
    requestedAt: isBound ? timeText(rows.requestedAtMs(slot)) : null,
    chargedTwice: charge?.isTwice ?? false,
  };
}

/** Each that something is known of by itself, the others as they follow each other. */
export function describeLost({ lost, traces }: Salvage, names: readonly string[]): LostPayments[] {
  const known = [...traces].map(([sequence, { kind, processor, atMs }]) => ({
    fromSequence: sequence,
    toSequence: sequence,
    lastKnown: `${kindName(kind)}, ${processorName(names, processor)}, ${timeText(atMs)}`,
  }));
  const between = lost.flatMap(({ fromSequence, toSequence }) => {
    const ends = [...known.map((payment) => payment.fromSequence), toSequence]
      .filter((sequence) => sequence >= fromSequence && sequence <= toSequence)
      .sort((a, b) => a - b);
    let from = fromSequence;
    return ends.flatMap((end) => {
      const [first, last] = [from, end - 1];
      from = end + 1;
      const toSequence = Number.isFinite(last) ? last : null;
      return first <= last ? [{ fromSequence: first, toSequence, lastKnown: "nothing" }] : [];
    });
  });
  return [...known, ...between].sort((a, b) => a.fromSequence - b.fromSequence);
}

/** The report for people. */
export function reportLines(report: Repaired): string[] {
  const { directory, out, damages, payments, lost, kept, passedOver } = report;
  if (out === undefined) return [`${directory}: nothing is damaged, nothing is written: payments=${kept}`];
  const doubles = payments.filter(({ chargedTwice }) => chargedTwice);
  return [
    `${directory}: repaired into ${out}: payments=${kept} passedOver=${passedOver}`,
    ...damages.map(({ file, what }) => `damage    ${file === "" ? what : `${file}: ${what}`}`),
    ...lost.map(
      ({ fromSequence, toSequence, lastKnown }) =>
        `lost      sequence=${rangeText(fromSequence, toSequence)}: ${lastKnown}`,
    ),
    ...doubles.map(({ correlationId }) => `charged twice: correlationId=${correlationId}`),
    `doubtful  payments=${payments.length}`,
    ...(payments[0] === undefined ? [] : alignColumns([headOf(payments[0]), ...payments.map(cells)])),
  ];
}

function headOf({ told }: Doubtful): string[] {
  return ["sequence", "correlationId", "amount", "the log", ...Object.keys(told), "written"];
}

function cells({ sequence, correlationId, amount, log, told, written, processor, requestedAt }: Doubtful): string[] {
  const place = processor === null ? written : `${written} at ${processor}, ${requestedAt}`;
  return [`${sequence}`, correlationId, amount, log, ...Object.values(told), place];
}

function rangeText(from: number, to: number | null): string {
  if (to === null) return `${from} and later`;
  return from === to ? `${from}` : `${from} to ${to}`;
}

function boundText(ledger: Ledger, names: readonly string[], slot: Slot): string {
  const { rows } = ledger;
  const state = State.NAMES[rows.state[slot]!]!;
  if (rows.state[slot] === State.PENDING) return state;
  return `${state} at ${processorName(names, rows.processor[slot]!)}, ${timeText(rows.requestedAtMs(slot))}`;
}

function toldText(told: Told | undefined): string {
  if (told === undefined) return "not asked";
  if (told.kind === "unreadable") return `unreadable: ${told.problem}`;
  if (told.kind !== "charge") return told.kind;
  const { cents, requestedAtMs } = told.charge;
  return `charged ${cents < 0 ? "another amount" : formatCents(cents)}, ${timeText(requestedAtMs)}`;
}
