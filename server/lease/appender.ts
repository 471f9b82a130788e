import type { Logger } from "pino";
import type { Time, Timer } from "../system/time.ts";
import { FencedError } from "../turn/record-log.ts";
import { type Database, NotDoneError, type Raised, UnknownError } from "./database.ts";
import type { Appending, LeaseLog } from "./lease-log.ts";

/** A database that cannot be reached for no longer than this is waited for; after it, what is queued is refused. */
const PATIENCE_MS = 500;
const AGAIN_MS = 50;
const AGAIN_MS_MAX = 250;

/**
 * Writes the records of all partitions that an instance carries, one statement at a time: statements cost, not
 * payments. What comes while one is on its way goes with the next.
 *
 *   logs wake ──► append ──┬─► done ──► written
 *                          ├─► not done ──► again, for a while; then refused, until the database answers
 *                          └─► unknown ──► raise, until it is known what became of it: written, or sent again
 */
export class Appender implements Appending {
  readonly #database: Database;
  readonly #time: Time;
  readonly #logger: Logger;
  readonly #waiting = new Set<LeaseLog>();
  #timer: Timer | undefined;
  #isBusy = false;
  #isScheduled = false;
  #isDown = false;
  #isClosed = false;
  /** Since when nothing could be written, until something is. */
  #failingSinceMs: number | undefined;

  constructor(database: Database, time: Time, logger: Logger) {
    this.#database = database;
    this.#time = time;
    this.#logger = logger;
  }

  /** Nothing can be written for longer than is waited for. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** The log has something to be written: with all others of this turn. Hot. */
  wake(log: LeaseLog): void {
    this.#waiting.add(log);
    if (this.#isBusy || this.#isScheduled) return;
    this.#isScheduled = true;
    this.#time.atEndOfTurn(this.#begin);
  }

  /** Nothing of this log is written any more. */
  forget(log: LeaseLog): void {
    this.#waiting.delete(log);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  readonly #begin = (): void => {
    this.#isScheduled = false;
    if (!this.#isBusy) void this.#writeAll();
  };

  /** Until nothing is waiting. */
  async #writeAll(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.size > 0 && !this.#isClosed) {
      const logs = [...this.#waiting];
      this.#waiting.clear();
      await this.#write(logs);
    }
    this.#isBusy = false;
  }

  async #write(logs: readonly LeaseLog[]): Promise<void> {
    const sent = logs.flatMap((log) => {
      const append = log.send();
      return append === undefined ? [] : [{ log, append }];
    });
    if (sent.length === 0) return;
    const asked = sent.map(({ log }) => log);
    const moved = await this.#append(sent.map(({ append }) => append));
    if (moved instanceof NotDoneError) {
      for (const log of asked) log.refused(moved);
    } else if (moved instanceof Error) {
      for (const log of asked) log.unknown();
      await this.#findOut(asked);
    } else {
      const done = new Set(moved);
      const others = asked.filter((log) => !done.has(log.partition));
      for (const log of asked) if (done.has(log.partition)) log.written();
      if (others.length > 0) await this.#findOut(others);
    }
  }

  /** The partitions that were appended to, or why that cannot be told. */
  async #append(appends: Parameters<Database["append"]>[0]): Promise<readonly number[] | NotDoneError | UnknownError> {
    for (;;) {
      try {
        const moved = await this.#database.append(appends);
        this.#worked();
        return moved;
      } catch (error) {
        if (!(error instanceof NotDoneError)) return unknownOf(error);
        if (!this.#mayTryAgain(error)) return error;
        await this.#time.pause(AGAIN_MS);
      }
    }
  }

  /** Until the database has said what became of what these logs have sent. */
  async #findOut(logs: readonly LeaseLog[]): Promise<void> {
    for (let tries = 0; !this.#isClosed; tries++) {
      const raised = await this.#raise(logs);
      if (raised !== undefined) {
        this.#worked();
        for (const log of logs) tell(log, raised);
        return;
      }
      await this.#time.pause(Math.min(AGAIN_MS * 2 ** tries, AGAIN_MS_MAX));
    }
  }

  async #raise(logs: readonly LeaseLog[]): Promise<Raised[] | undefined> {
    try {
      return await this.#database.raise(logs.map(({ tenure }) => tenure));
    } catch (error) {
      this.#mayTryAgain(error as Error);
      return undefined;
    }
  }

  /** While a short interruption may pass unnoticed; after it, whatever waits and was not sent is refused. */
  #mayTryAgain(error: Error): boolean {
    const nowMs = this.#time.monotonicMs();
    this.#failingSinceMs ??= nowMs;
    if (nowMs - this.#failingSinceMs < PATIENCE_MS && !this.#isClosed) return true;
    if (!this.#isDown) {
      this.#isDown = true;
      this.#logger.error({ err: error }, "the store cannot be written: refusing payments");
      this.#look();
    }
    for (const log of [...this.#waiting]) {
      if (log.isSent) continue;
      this.#waiting.delete(log);
      log.refused(new NotDoneError("the store cannot be reached"));
    }
    return false;
  }

  #worked(): void {
    this.#failingSinceMs = undefined;
    if (this.#isDown) this.#logger.warn("the store can be written again");
    this.#isDown = false;
    this.#timer?.cancel();
  }

  /** Nothing is sent while it is down, so somebody has to ask. */
  #look(): void {
    if (this.#isClosed) return;
    this.#timer = this.#time.after(AGAIN_MS_MAX, async () => {
      const isThere = await this.#database.epochs().then(
        () => true,
        () => false,
      );
      if (!this.#isDown) return;
      if (isThere && !this.#isBusy) this.#worked();
      else this.#look();
    });
  }
}

function tell(log: LeaseLog, raised: readonly Raised[]): void {
  const own = raised.find(({ partition }) => partition === log.partition);
  if (own) log.raised(own.epoch, own.head);
  else log.refused(new FencedError(`another instance carries the partition: partition=${log.partition + 1}`));
}

/** Whatever is not certainly undone may be done. */
function unknownOf(error: unknown): UnknownError {
  if (error instanceof UnknownError) return error;
  return new UnknownError((error as Error).message, { cause: error });
}
