import type { Logger } from "pino";
import type { Engine } from "../../core/engine.ts";
import { RECORD_BYTES } from "../../core/log/record.ts";
import type { JournalMeters } from "../meters/meters.ts";
import type { Time } from "../system/time.ts";
import type { Effect } from "./effect.ts";
import { EffectSync } from "./effect-sync.ts";
import { FencedError, type LateAnswer, type RecordLog, UNDER_WAY } from "./record-log.ts";

/** Who adds to a turn's records and effects at its end, just before they are written. */
export interface TurnSource {
  gather(): void;
}

export type GroupCommitParts = {
  engine: Engine;
  /** Without one nothing is written: durability none. */
  log: RecordLog | undefined;
  /** Whether effects wait for a sync. */
  syncs: boolean;
  time: Time;
  logger: Logger;
  meters: JournalMeters;
  /** Called after each write, before its effects. */
  onWritten?: (() => void) | undefined;
  /** Another has taken the log over: whatever is in memory is worth nothing any more. */
  onFenced?: ((error: Error) => void) | undefined;
};

/** A batch under way, and what rests on it. */
type Group = { effects: Effect[]; handedOverAtMs: number };

/** Under way to a log that answers later: a slow one gets larger batches instead of more of them. */
export const GROUPS_MAX = 8;
/** A log that has not answered for so long lets nobody wait any longer: clients are told within a second. */
const LATE_MS = 800;

/**
 * Group commit (DeWitt et al., 1984): all records of a turn of the event loop are written by one system call at its
 * end, and then all their effects happen: answers go out, requests are sent.
 *
 *   events of the turn ─► engine.batch ─► end of turn: gather ─► append
 *      add(effect)                                                 ├─► effects                          write, none
 *                                                                  ├─► fdatasync ─► effects             fsync
 *                                                                  └─► under way … written ─► effects   a later answer
 *
 * Of a log that answers later, groups are answered in their order; when one is refused, all after it are taken back
 * with it. With GROUPS_MAX under way, the next one waits and goes on filling. Reading is an effect as well
 * (`whenDurable`): what is told has to be as safe as what is acknowledged.
 */
export class GroupCommit {
  readonly #parts: GroupCommitParts;
  readonly #sync: EffectSync | undefined;
  #source: TurnSource | undefined;
  #effects: Effect[] = [];
  /** Under way, oldest first. */
  #groups: Group[] = [];
  /** Who waits for `isSettled`. */
  readonly #settling: ((isSettled: boolean) => void)[] = [];
  #isScheduled = false;
  #isFailing = false;
  #isUncertain = false;
  #isFenced = false;
  #isEnded = false;

  constructor(parts: GroupCommitParts) {
    this.#parts = parts;
    const { log, syncs, time, meters } = parts;
    this.#sync = log && syncs ? new EffectSync(log, time, meters) : undefined;
    log?.listen?.((answer) => this.#answered(answer));
  }

  /** From now on `source` is asked at the end of each turn in which the log can be written. There is one, once. */
  gatherFrom(source: TurnSource): void {
    if (this.#source) throw new Error("a turn is gathered from one source: sources=2");
    this.#source = source;
  }

  /**
   * Nothing can be written now, or nobody knows whether the last group was, or the log is so far behind that what
   * happens at the processors needs the room that is left, or somebody waits until nothing is under way: nothing new
   * may be accepted or sent.
   */
  get isFailing(): boolean {
    const isBehind = this.#isHeld && this.#parts.engine.batch.isHalfFull;
    const isUnsure = this.#isUncertain || this.#isLate;
    return this.#isEnded || this.#isFailing || isUnsure || isBehind || this.#settling.length > 0;
  }

  /**
   * Whether what is known here is all that there is. Otherwise another may have the log, and nothing of it is told.
   * Hot.
   */
  get isCurrent(): boolean {
    return !this.#isFenced && this.#parts.log?.isCurrent !== false;
  }

  /** Nothing is under way to the log. */
  get isSettled(): boolean {
    return this.#groups.length === 0;
  }

  /** Effects held back until their records are as durable as asked for. */
  get waitingCount(): number {
    const underWay = this.#groups.reduce((sum, { effects }) => sum + effects.length, 0);
    return this.#effects.length + underWay + (this.#sync?.waitingCount ?? 0);
  }

  /**
   * How long the oldest unwritten record, or the oldest effect that waits for a sync, has been waiting, in
   * milliseconds.
   */
  get lagMs(): number {
    const { engine, time } = this.#parts;
    const { batch, nowMs } = engine;
    const unwrittenMs = batch.count === 0 ? 0 : nowMs - batch.atMs(0);
    const oldest = this.#groups[0];
    const underWayMs = oldest ? time.monotonicMs() - oldest.handedOverAtMs : 0;
    return Math.max(unwrittenMs, underWayMs, this.#sync?.lagMs ?? 0);
  }

  /** Hot. */
  add(effect: Effect): void {
    this.#effects.push(effect);
    if (this.#parts.engine.batch.isHalfFull) this.commit();
    else this.wake();
  }

  /** There will be a commit at the end of this turn. Hot. */
  wake(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#parts.time.atEndOfTurn(this.#endTurn);
  }

  /**
   * Writes what there is, or hands it over, now, or once the log has caught up. False when that cannot be, or nobody
   * knows.
   */
  commit(): boolean {
    // Nothing is taken back yet, so what rests on it waits.
    if (this.#isHeld) return !this.#isUncertain;
    const effects = this.#effects;
    this.#effects = [];
    if (this.#isEnded || this.#isFailing || !this.#write(effects)) {
      for (const effect of effects) effect.abort();
      return false;
    }
    return true;
  }

  /**
   * Calls back once all that stands now is as durable as was asked for: before it returns where nothing is outstanding,
   * as always with `write` and `none`. With false, at once, while something has happened that the journal cannot take.
   */
  whenDurable(onDurable: (isDurable: boolean) => void): void {
    if (!this.isCurrent) {
      onDurable(false);
      return;
    }
    const effect = toldOnce(onDurable);
    const isWritable = this.commit();
    const isOutstanding = this.#parts.engine.batches.next.count > 0;
    if (!isWritable && isOutstanding) onDurable(false);
    else if (this.#isHeld && (isOutstanding || this.#effects.length > 0)) this.#effects.push(effect);
    else this.#rest([effect]);
  }

  /**
   * Calls back once nothing that could be taken back is under way or about to be; until then nothing new is accepted.
   * Before it returns where that is so already. With false when the log cannot be written.
   */
  whenSettled(onSettled: (isSettled: boolean) => void): void {
    if (!this.commit()) onSettled(false);
    else if (this.isSettled) onSettled(true);
    else this.#settling.push(onSettled);
  }

  /** The same as `whenDurable`, as a promise. */
  durable(): Promise<boolean> {
    return new Promise((resolve) => this.whenDurable(resolve));
  }

  /**
   * The log is another's from here on: nothing is written any more, whatever is still decided. To be called once all is
   * settled, or nobody can say so for long: what then waits for the log's answer does not happen here.
   */
  end(): void {
    this.#isEnded = true;
    for (const { effects } of this.#groups) for (const effect of effects.splice(0)) effect.abort(true);
    for (const effect of this.#effects.splice(0)) effect.abort();
  }

  /** To be called often: lets go of whoever waits for a log that does not answer. */
  noteLate(): void {
    if (!this.#isLate) return;
    for (const { effects } of this.#groups) tellLate(effects);
    tellLate(this.#effects);
    for (const onSettled of this.#settling.splice(0)) onSettled(false);
  }

  /**
   * The log is, or may be, another's by now: nothing is written or told any more, and what rests on batches under way
   * does not happen, whatever becomes of them.
   */
  abandon(): void {
    this.#isEnded = true;
    this.#isFenced = true;
    this.#isUncertain = false;
    const underWay = this.#groups.splice(0).flatMap(({ effects }) => effects);
    for (const effect of underWay) effect.abort(true);
    for (const effect of this.#effects.splice(0)) effect.abort();
    for (const onSettled of this.#settling.splice(0)) onSettled(false);
  }

  /** To be called now and then while failing: takes up work again when there is room. */
  retry(): void {
    const { log, logger } = this.#parts;
    if (!this.#isFailing || this.#isFenced || this.#isEnded || !log?.probe()) return;
    this.#isFailing = false;
    logger.warn("the journal can be written again");
    this.wake();
  }

  readonly #endTurn = (): void => {
    this.#isScheduled = false;
    if (!this.isFailing) this.#source?.gather();
    this.commit();
  };

  get #isLate(): boolean {
    const [oldest] = this.#groups;
    return oldest !== undefined && this.#parts.time.monotonicMs() - oldest.handedOverAtMs >= LATE_MS;
  }

  /** Nothing more is handed over until the log has answered. */
  get #isHeld(): boolean {
    return this.#isUncertain || this.#groups.length >= GROUPS_MAX || this.#settling.length > 0;
  }

  /** Appends all that is not written; what rests on it happens then. Hot. */
  #write(effects: Effect[]): boolean {
    const { engine, log, time, meters } = this.#parts;
    const { batches } = engine;
    for (let batch = batches.next; batch.count > 0; batch = batches.next) {
      if (this.#isHeld) {
        this.#effects.unshift(...effects);
        return true;
      }
      const beganAtMs = time.monotonicMs();
      const result = log?.append(batch);
      if (result instanceof Error) {
        if (!this.isSettled) throw new Error("a log with batches under way refuses in their order: refused=newest");
        this.#refused(result);
        return false;
      }
      if (log) meters.wrote(batch.count, batch.count * RECORD_BYTES, time.monotonicMs() - beganAtMs);
      if (result === UNDER_WAY) {
        batches.nextHandedOver();
        this.#groups.push({ effects: [], handedOverAtMs: beganAtMs });
      } else {
        batches.nextWritten();
        this.#written();
      }
    }
    this.#rest(effects);
    return true;
  }

  #written(): void {
    this.#sync?.written();
    this.#parts.onWritten?.();
  }

  /** The effects rest on all that was handed to the log so far. */
  #rest(effects: readonly Effect[]): void {
    const newest = this.#groups.at(-1);
    if (newest) newest.effects.push(...effects);
    else if (this.#sync) this.#sync.add(effects);
    else for (const effect of effects) effect.commit();
  }

  /** The log says what became of the oldest group under way. */
  #answered(answer: LateAnswer): void {
    if (this.#isFenced) return;
    if (answer === "unknown") {
      this.#isUncertain = true;
      return;
    }
    // Another may have found the group in the log, and carry it out.
    const isUnsure = answer instanceof FencedError;
    this.#isUncertain = false;
    if (answer instanceof Error) {
      // What was decided in this turn so far rests on what is taken back.
      const underWay = this.#groups.splice(0).flatMap(({ effects }) => effects);
      const later = this.#effects.splice(0);
      this.#refused(answer);
      for (const effect of underWay) effect.abort(isUnsure);
      for (const effect of later) effect.abort();
      for (const onSettled of this.#settling.splice(0)) onSettled(false);
      return;
    }
    const { effects } = this.#groups.shift()!;
    this.#parts.engine.batches.oldestWritten();
    this.#written();
    if (this.#sync) this.#sync.add(effects);
    else for (const effect of effects) effect.commit();
    if (this.isSettled) this.#settle();
    if (this.#effects.length > 0 || this.#parts.engine.batches.next.count > 0) this.wake();
  }

  /** What was held meanwhile goes to the log first. */
  #settle(): void {
    const settling = this.#settling.splice(0);
    const isWritten = settling.length === 0 || this.commit();
    this.#settling.unshift(...settling);
    while (this.#settling.length > 0 && this.isSettled) this.#settling.shift()!(isWritten);
  }

  #refused(error: Error): void {
    const { engine, logger, meters, onFenced } = this.#parts;
    this.#isFailing = true;
    meters.failedCount++;
    engine.revert();
    logger.error({ err: error }, "the journal cannot be written: refusing payments");
    if (!(error instanceof FencedError)) return;
    this.#isFenced = true;
    onFenced?.(error);
  }
}

/** Each is told once. */
function tellLate(effects: Effect[]): void {
  for (const [i, effect] of effects.entries()) {
    if (effect.late === undefined) continue;
    effect.late();
    effects[i] = { commit: () => effect.commit(), abort: () => effect.abort() };
  }
}

/** Whoever was told that it is late is told nothing more. */
function toldOnce(onDurable: (isDurable: boolean) => void): Effect {
  let isTold = false;
  const tell = (isDurable: boolean): void => {
    if (!isTold) onDurable(isDurable);
    isTold = true;
  };
  return { commit: () => tell(true), abort: () => tell(false), late: () => tell(false) };
}
