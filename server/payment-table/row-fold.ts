import type { RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";
import * as State from "../../core/values/state.ts";
import { UUID_WORDS } from "../../core/values/uuid.ts";
import { newRow, withAcceptedAt } from "./identity.ts";
import type { PaymentRow } from "./payment-table.ts";

const ATTEMPTS_MAX = 255;

/**
 * What records make of a partition's rows: the same as of the ledger's (core/ledger/payment-states.ts), in words. Twice
 * over the records: `look` at all of them, put the rows that are needed, then `apply` them in their order.
 */
export class RowFold {
  readonly partition: number;
  readonly #rows = new Map<number, PaymentRow>();
  readonly #changed = new Set<number>();
  readonly #accepted = new Set<number>();
  readonly #needed = new Set<number>();
  #purgedBefore = 0;
  #unknownCount = 0;

  constructor(partition: number) {
    this.partition = partition;
  }

  /** Sequences of payments that were accepted before these records. */
  get needed(): ReadonlySet<number> {
    return this.#needed;
  }

  /** Every payment before it is gone; 0: none is. */
  get purgedBefore(): number {
    return this.#purgedBefore;
  }

  /** Records about payments whose rows are not there. */
  get unknownCount(): number {
    return this.#unknownCount;
  }

  /** Those that the records have changed. */
  get changed(): PaymentRow[] {
    return [...this.#changed].map((sequence) => this.#rows.get(sequence)!);
  }

  /** Hot: no allocation for most payments. */
  look(batch: RecordBatch, record: number): void {
    const kind = batch.kind(record);
    const sequence = batch.sequence(record);
    if (kind === Kind.ACCEPTED) this.#accepted.add(sequence);
    else if (isOfPayment(kind) && !this.#accepted.has(sequence)) this.#needed.add(sequence);
  }

  put(row: PaymentRow): void {
    this.#rows.set(row.sequence, row);
  }

  /** `names`: of the processors, by the numbers that the record has. */
  apply(batch: RecordBatch, record: number, names: readonly string[]): void {
    const kind = batch.kind(record);
    const sequence = batch.sequence(record);
    if (kind === Kind.PURGED) this.#purge(sequence);
    else if (kind === Kind.ACCEPTED) this.#accept(batch, record);
    else if (isOfPayment(kind)) this.#change(sequence, batch, record, names);
  }

  #accept(batch: RecordBatch, record: number): void {
    const words = new Int32Array(UUID_WORDS);
    batch.copyId(record, words, 0);
    const sequence = batch.sequence(record);
    const key = { partition: this.partition, sequence };
    this.#rows.set(sequence, newRow(key, words, batch.cents(record), batch.atMs(record)));
    this.#changed.add(sequence);
  }

  /** One that is not there was taken out by hand. */
  #change(sequence: number, batch: RecordBatch, record: number, names: readonly string[]): void {
    const row = this.#rows.get(sequence);
    if (row === undefined) {
      this.#unknownCount++;
      return;
    }
    this.#rows.set(sequence, changed(row, batch, record, names));
    this.#changed.add(sequence);
  }

  #purge(before: number): void {
    this.#purgedBefore = before;
    for (const sequence of this.#rows.keys()) {
      if (sequence >= before) continue;
      this.#rows.delete(sequence);
      this.#changed.delete(sequence);
    }
  }
}

function changed(row: PaymentRow, batch: RecordBatch, record: number, names: readonly string[]): PaymentRow {
  const kind = batch.kind(record);
  const atMs = batch.atMs(record);
  const processor = nameOf(batch.processor(record), names);
  const attempts = Math.min(row.attempts + 1, ATTEMPTS_MAX);
  switch (kind) {
    case Kind.SENDING:
      // A payment accepted in a time that was set back since is never requested before it was accepted.
      return { ...row, ...isNow(State.SENDING), processor, requestedAtMs: Math.max(atMs, row.acceptedAtMs), attempts };
    case Kind.SENT:
      return {
        ...withAcceptedAt(row, Math.min(row.acceptedAtMs, atMs)),
        ...isNow(State.SENDING),
        processor,
        requestedAtMs: atMs,
        attempts,
      };
    case Kind.REFUSED:
      return { ...row, ...isNow(State.PENDING), processor: undefined, requestedAtMs: undefined };
    case Kind.DOUBTED:
      return { ...row, ...isNow(State.IN_DOUBT) };
    case Kind.PROCESSED:
      return { ...row, ...isNow(State.PROCESSED), processedAtMs: Math.max(atMs, row.requestedAtMs ?? atMs) };
    default:
      return { ...row, ...isNow(State.FAILED) };
  }
}

function isNow(state: number): { state: string } {
  return { state: State.NAMES[state]! };
}

/** Its number, where the log does not name it. */
function nameOf(processor: number, names: readonly string[]): string | undefined {
  if (processor === NO_PROCESSOR) return undefined;
  return names[processor] ?? `#${processor}`;
}

function isOfPayment(kind: number): boolean {
  return (kind >= Kind.SENDING && kind <= Kind.FAILED) || kind === Kind.SENT;
}
