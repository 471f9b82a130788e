import type { Engine } from "../../core/engine.ts";
import { formatCents } from "../../core/values/money.ts";
import type { Slot } from "../../core/values/number-types.ts";
import * as Outcome from "../../core/values/outcome.ts";
import * as Reason from "../../core/values/reason.ts";
import * as State from "../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../core/values/uuid.ts";
import { formatTimestamp } from "../text/timestamp.ts";

const id = new Int32Array(UUID_WORDS);

/** The payment in `slot` as JSON: what GET /payments/{id} answers. */
export function paymentView(engine: Engine, slot: Slot): string {
  const { rows } = engine.ledger;
  const state = rows.state[slot]!;
  const isBound = state === State.SENDING || state === State.IN_DOUBT || state === State.PROCESSED;
  const fields = {
    state: State.NAMES[state],
    ...openFields(engine, slot),
    processor: isBound ? engine.processorNames[rows.processor[slot]!] : null,
    acceptedAt: formatTimestamp(rows.acceptedAtMs[slot]!),
    requestedAt: isBound ? formatTimestamp(rows.requestedAtMs(slot)) : null,
    processedAt: state === State.PROCESSED ? formatTimestamp(rows.processedAtMs(slot)) : null,
    attemptCount: rows.attemptCount[slot],
    attempts: attemptsOf(engine, slot),
  };
  return `{${paymentHead(engine, slot)},${JSON.stringify(fields).slice(1)}`;
}

/** Whether somebody is wanted to settle the payment; nothing where that does not come into question. */
function openFields({ held, openDoubts, flights, ledger, nowMs }: Engine, slot: Slot): object {
  if (held?.has(slot)) return { stuck: held.isStuck(slot, nowMs), held: true };
  if (ledger.rows.state[slot] !== State.IN_DOUBT) return {};
  return { stuck: openDoubts.isStuck(flights.find(slot), nowMs) };
}

/** The members of a payment's JSON that never change. The amount is written as text, with its two decimals. */
export function paymentHead(engine: Engine, slot: Slot): string {
  const { rows } = engine.ledger;
  engine.paymentId(slot, id);
  const correlationId = formatUuid(rows.correlationIds, slot * UUID_WORDS);
  return `"id":"${formatUuid(id)}","correlationId":"${correlationId}","amount":${formatCents(rows.cents[slot]!)}`;
}

type AttemptView = {
  time: string;
  /** Null: one that is no longer configured. */
  processor: string | null;
  /** Why it went there; null where nobody said. */
  reason: string | null;
  outcome: string | undefined;
  ms: number | null;
};

/** Oldest first: the trail, then the attempt that stands in the row itself (see AttemptTrail). */
function attemptsOf(engine: Engine, slot: Slot): AttemptView[] {
  const { rows } = engine.ledger;
  const trail = engine.ledger.trail(slot);
  const attempts: AttemptView[] = trail.map((entry) => ({
    time: formatTimestamp(rows.acceptedAtMs[slot]! + entry.beganAfterMs),
    processor: nameOf(engine, entry.processor),
    reason: reasonText(entry.reason),
    outcome: Outcome.NAMES[entry.outcome],
    ms: entry.elapsedMs,
  }));
  const state = rows.state[slot]!;
  const own = {
    time: formatTimestamp(rows.requestedAtMs(slot)),
    processor: nameOf(engine, rows.processor[slot]!),
    reason: reasonText(rows.reason[slot]!),
  };
  if (state === State.SENDING) {
    attempts.push({ ...own, outcome: "in flight", ms: null });
  } else if (state === State.PROCESSED && !isEnd(trail.at(-1)?.outcome)) {
    attempts.push({
      ...own,
      outcome: Outcome.NAMES[rows.outcome[slot]!],
      ms: rows.processedAtMs(slot) - rows.requestedAtMs(slot),
    });
  }
  return attempts;
}

function nameOf(engine: Engine, processor: number): string | null {
  return engine.processorNames[processor] ?? null;
}

function reasonText(reason: Reason.ReasonCode): string | null {
  return reason === Reason.NONE ? null : (Reason.NAMES[reason] ?? null);
}

/** Whether a payment that is processed became so by this entry of its trail. */
function isEnd(outcome = Outcome.NONE): boolean {
  return Outcome.isCharged(outcome) || outcome === Outcome.SETTLED_BY_HAND;
}
