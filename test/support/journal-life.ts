import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckpointCut } from "../../core/ledger/checkpoint.ts";
import { Ledger } from "../../core/ledger/ledger.ts";
import { makeTotals } from "../../core/ledger/window-totals.ts";
import { CHECKPOINT } from "../../core/log/journal-header.ts";
import { RECORD_BYTES, RecordBatch } from "../../core/log/record.ts";
import * as Kind from "../../core/log/record-kind.ts";
import type { Expected } from "../../core/log/recovery-plan.ts";
import * as Outcome from "../../core/values/outcome.ts";
import { NO_PROCESSOR } from "../../core/values/processor.ts";
import * as Reason from "../../core/values/reason.ts";
import * as State from "../../core/values/state.ts";
import { UUID_WORDS } from "../../core/values/uuid.ts";
import { Journal, type JournalStart } from "../../server/journal/journal.ts";
import { JournalDirectory } from "../../server/journal/journal-directory.ts";
import { type Recovered, recover } from "../../server/journal/recover.ts";
import { cutTornEnd, removeObsolete } from "../../server/journal/tidy.ts";
import { RealDisk } from "../../server/system/real-disk.ts";
import { NOON_MS } from "./payments.ts";
import { Random } from "./random.ts";
import { TWO_NAMES } from "./terms.ts";

export const OWNER: Expected = { partition: 0, partitionCount: 2, processors: TWO_NAMES };
export const NEW_JOURNAL: JournalStart = { nextNumber: 1, lsn: 0, epoch: 0, latestMs: 0 };
/** As a small instance would have; a ring over it wraps soon. */
export const CAPACITY = 64;
const INDEX_SEED = 7;
const SEGMENT_BYTES = 1 << 30;

export type LifeOptions = {
  expected?: Expected;
  capacity?: number;
  /** What headers say of it; nothing unless given. */
  toldCapacity?: number;
  /** Where a segment counts as full; rotating is the caller's. */
  segmentBytes?: number;
  from?: Restart;
};
export type Restart = { ledger: Ledger; recovered: Recovered };

/** Runs the body with a directory of its own and removes it afterwards. */
export function inDirectory<T>(body: (path: string) => T): T {
  const path = mkdtempSync(join(tmpdir(), "rinha-journal-"));
  const remove = (): void => rmSync(path, { recursive: true, force: true });
  let result: T;
  try {
    result = body(path);
  } catch (error) {
    remove();
    throw error;
  }
  if (result instanceof Promise) return result.finally(remove) as T;
  remove();
  return result;
}

export function directoryOf(path: string): JournalDirectory {
  return new JournalDirectory(new RealDisk(), path);
}

/** To be told of a journal that is broken where it must not be. */
export function unexpected(error: Error): never {
  throw error;
}

/** What a start of the instance would make of the directory; throws the refusal. Changes nothing. */
export function restart(path: string, expected: Expected = OWNER, capacity = CAPACITY): Restart {
  const ledger = new Ledger(capacity, INDEX_SEED, expected.processors.length);
  const recovered = recover(directoryOf(path), ledger, expected);
  return { ledger, recovered };
}

/** As `tidy`, without the syncs. */
export function tidyNow(directory: JournalDirectory, recovered: Recovered): void {
  cutTornEnd(directory, recovered);
  removeObsolete(directory, recovered);
}

/** A ledger whose every record goes to a real journal, as in an instance, but one step at a time. */
export class JournalLife {
  readonly directory: JournalDirectory;
  readonly ledger: Ledger;
  readonly journal: Journal;
  readonly batch = new RecordBatch(64);
  /** Of the processors, by number. */
  readonly names: readonly string[];
  readonly #random: Random;
  #nowMs = NOON_MS;
  #latestMs = 0;

  constructor(path: string, random: Random, options: LifeOptions = {}) {
    this.directory = directoryOf(path);
    this.directory.make(false);
    this.#random = random;
    const { from, expected = OWNER } = options;
    this.names = expected.processors;
    if (from) tidyNow(this.directory, from.recovered);
    this.ledger = from?.ledger ?? new Ledger(options.capacity ?? CAPACITY, INDEX_SEED, expected.processors.length);
    this.#latestMs = from?.recovered.latestMs ?? 0;
    this.#nowMs = Math.max(this.#nowMs, this.#latestMs);
    this.journal = new Journal(this.directory, from?.recovered ?? NEW_JOURNAL, {
      ...expected,
      segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
      capacity: options.toldCapacity ?? 0,
      syncsSegments: false,
      nowMs: () => this.#nowMs,
      onBroken: unexpected,
    });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** The latest time any record has. */
  get latestMs(): number {
    return this.#latestMs;
  }

  /** Appends and writes `count` random records that fit the ledger. */
  live(count: number): void {
    for (let i = 0; i < count; i++) this.#step();
    this.write();
  }

  accept(): void {
    const sequence = this.ledger.head;
    this.#apply(this.batch.appendAccepted(sequence, this.#nowMs, this.#random.uuid(), 0, this.#random.between(1, 1e8)));
  }

  wait(ms: number): void {
    this.#nowMs += ms;
  }

  /** Sends the oldest pending payment after `ms` and has it charged after as much again. */
  process(ms: number): void {
    const { tail, head, rows } = this.ledger;
    const isPending = (sequence: number): boolean => rows.state[this.ledger.slotOf(sequence)] === State.PENDING;
    this.#process(Array.from({ length: head - tail }, (_, i) => tail + i).find(isPending)!, ms);
  }

  /** The same with the payment accepted last. */
  processNewest(ms: number, processor = 0): void {
    this.#process(this.ledger.head - 1, ms, processor);
  }

  sendNewest(processor: number): void {
    this.#apply(this.batch.append(Kind.SENDING, this.ledger.head - 1, this.#nowMs, processor, Reason.CHEAPEST, 0));
  }

  #process(sequence: number, ms: number, processor = 0): void {
    this.wait(ms);
    this.#apply(this.batch.append(Kind.SENDING, sequence, this.#nowMs, processor, Reason.CHEAPEST, 0));
    this.wait(ms);
    this.#apply(this.batch.append(Kind.PROCESSED, sequence, this.#nowMs, processor, Outcome.CHARGED, ms));
  }

  purge(): void {
    this.#apply(this.batch.append(Kind.PURGED, this.ledger.head, this.#nowMs, NO_PROCESSOR, Outcome.NONE, 0));
  }

  /** Drops some of the oldest payments, as many as have ended at most. */
  evict(): void {
    const { tail, head, rows } = this.ledger;
    let end = tail;
    while (end < head && rows.state[this.ledger.slotOf(end)]! > State.IN_DOUBT && this.#random.chance(0.9)) end++;
    if (end > tail) this.evictBefore(end);
  }

  /** All of them have ended. */
  evictBefore(sequence: number): void {
    this.#apply(this.batch.append(Kind.EVICTED, sequence, this.#nowMs, NO_PROCESSOR, Outcome.NONE, 0));
  }

  write(): void {
    const error = this.journal.append(this.batch);
    if (error) throw error;
    this.batch.clear();
  }

  rotate(): void {
    const error = this.journal.rotate();
    if (error) throw error;
  }

  /** Begins a checkpoint of everything before the segment being written. */
  checkpoint(): CheckpointInSteps {
    return new CheckpointInSteps(this);
  }

  /** A whole checkpoint, without anything happening meanwhile. */
  checkpointNow(): void {
    const checkpoint = this.checkpoint();
    while (!checkpoint.isDone) checkpoint.step(7);
    checkpoint.finish();
  }

  close(): void {
    this.journal.close();
  }

  #apply(record: number): void {
    this.ledger.apply(this.batch, record);
    this.#latestMs = Math.max(this.#latestMs, this.batch.atMs(record));
    if (this.batch.count === this.batch.capacity) this.write();
  }

  #step(): void {
    const random = this.#random;
    if (random.chance(0.7)) this.#nowMs += random.below(5);
    if (this.ledger.size === 0 || (!this.ledger.isFull && random.chance(0.4))) this.accept();
    else if (random.chance(this.ledger.isFull ? 0.02 : 0.004)) this.purge();
    else if (random.chance(this.ledger.isFull ? 0.3 : 0.03)) this.evict();
    else this.#advance();
  }

  #advance(): void {
    const random = this.#random;
    const sequence = random.between(this.ledger.tail, this.ledger.head - 1);
    const slot = this.ledger.slotOf(sequence);
    const [kind, outcome] = this.#nextOf(this.ledger.rows.state[slot]!);
    if (kind === undefined) return;
    const { rows } = this.ledger;
    const processor = kind === Kind.SENDING ? random.below(this.ledger.processorCount) : rows.processor[slot]!;
    const sinceSentMs = rows.state[slot] === State.PENDING ? 0 : this.#nowMs - rows.requestedAtMs(slot);
    // The first answer ends what was sent; later ones end what was asked since.
    const elapsedMs = rows.state[slot] === State.SENDING ? sinceSentMs : random.below(sinceSentMs + 1);
    this.#apply(this.batch.append(kind, sequence, this.#nowMs, processor, outcome, elapsedMs));
  }

  #nextOf(state: number): [number | undefined, number] {
    const random = this.#random;
    if (state === State.PENDING)
      return random.chance(0.95) ? [Kind.SENDING, random.below(Reason.NAMES.length)] : [Kind.FAILED, Outcome.GAVE_UP];
    if (state === State.SENDING) {
      return random.pick([
        [Kind.PROCESSED, Outcome.CHARGED],
        [Kind.PROCESSED, Outcome.CHARGED],
        [Kind.REFUSED, Outcome.FAILING],
        [Kind.DOUBTED, Outcome.TIMED_OUT],
      ] as const) as [number, number];
    }
    if (state === State.IN_DOUBT)
      return random.chance(0.5) ? [Kind.PROCESSED, Outcome.ALREADY_CHARGED] : [Kind.DOUBTED, Outcome.TIMED_OUT];
    return [undefined, Outcome.NONE];
  }
}

/** As the instance's upkeep writes it, with the test deciding what happens between the slices. */
export class CheckpointInSteps {
  readonly #life: JournalLife;
  readonly #number: number;
  readonly #cut: CheckpointCut;
  readonly #parts: Uint8Array[] = [];
  #recordCount = 0;

  constructor(life: JournalLife) {
    this.#life = life;
    this.#number = life.journal.number;
    this.#cut = new CheckpointCut(life.ledger);
    this.#parts.push(life.journal.header(CHECKPOINT, this.#number));
    this.#save();
  }

  get isDone(): boolean {
    return this.#cut.isDone;
  }

  get isStale(): boolean {
    return this.#cut.isStale;
  }

  step(rowCountMax: number): void {
    this.#life.write();
    const batch = new RecordBatch(rowCountMax + 1);
    this.#cut.cut(batch, this.#life.journal.lsn, rowCountMax);
    batch.seal(this.#recordCount);
    this.#recordCount += batch.count;
    this.#parts.push(batch.bytes.slice(0, batch.count * RECORD_BYTES));
    this.#save();
  }

  abandon(): void {
    rmSync(this.#partialPath);
  }

  /** `isInterrupted`: the process dies between the new name and the removal of what it makes superfluous. */
  finish(isInterrupted = false): void {
    const { directory } = this.#life;
    renameSync(this.#partialPath, directory.checkpointPath(this.#number));
    if (isInterrupted) return;
    for (const file of directory.files()) if (file.number < this.#number) directory.remove(file.name);
  }

  get #partialPath(): string {
    const { directory } = this.#life;
    return directory.partialPath(directory.checkpointPath(this.#number));
  }

  #save(): void {
    writeFileSync(this.#partialPath, Buffer.concat(this.#parts));
  }
}

/** Everything the world can ask a ledger about, but for the trails, which a checkpoint leaves out. */
export function portrait(ledger: Ledger): unknown {
  const { rows } = ledger;
  const payments = [];
  for (let sequence = ledger.tail; sequence < ledger.head; sequence++) {
    const slot = ledger.slotOf(sequence);
    const wasTried = rows.attemptCount[slot]! > 0;
    payments.push({
      sequence,
      id: Array.from({ length: UUID_WORDS }, (_, word) => rows.correlationIds[slot * UUID_WORDS + word]!),
      isFound: ledger.find(rows.correlationIds, slot * UUID_WORDS) === slot,
      acceptedAtMs: rows.acceptedAtMs[slot],
      cents: rows.cents[slot],
      state: rows.state[slot],
      processor: rows.processor[slot],
      outcome: rows.outcome[slot],
      reason: rows.reason[slot],
      attemptCount: rows.attemptCount[slot],
      requestedAtMs: wasTried ? rows.requestedAtMs(slot) : 0,
      processedAtMs: rows.state[slot] === State.PROCESSED ? rows.processedAtMs(slot) : 0,
    });
  }
  const states = [State.PENDING, State.SENDING, State.IN_DOUBT, State.PROCESSED].map((state) => ledger.countIn(state));
  return { tail: ledger.tail, head: ledger.head, states, payments, windows: windowsOf(ledger) };
}

function windowsOf(ledger: Ledger): number[][] {
  const random = new Random(ledger.head);
  const out = makeTotals(ledger.processorCount);
  return Array.from({ length: 8 }, (_, i) => {
    const fromMs = i === 0 ? Number.NEGATIVE_INFINITY : NOON_MS + random.below(1000);
    ledger.sum(fromMs, i === 0 ? Number.POSITIVE_INFINITY : fromMs + random.below(500), out);
    return [...out];
  });
}

/** Names, sizes and contents of a directory: what a refusal must leave as it was. */
export function contentsOf(path: string): string[] {
  return directoryOf(path)
    .files()
    .map(
      ({ name }) => `${name} ${statSync(join(path, name)).size} ${readFileSync(join(path, name)).toString("base64")}`,
    )
    .sort();
}
