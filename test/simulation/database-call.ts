import { NotDoneError, UnknownError } from "../../server/lease/database.ts";
import type { Caller } from "./database-client.ts";
import type { DatabaseServer } from "./database-server.ts";

export type DatabaseCallParts<T> = {
  caller: Caller;
  /** After so long the client gives up, in milliseconds. */
  callTimeoutMs: number;
  resolve: (result: T) => void;
  reject: (error: Error) => void;
  onSettled: () => void;
};

/** What a client waits for. The first end counts; what becomes of the statement at the server is not its matter. */
export class DatabaseCall<T> {
  /** Where its connection leads, once it has one. */
  server: DatabaseServer | undefined;
  readonly #parts: DatabaseCallParts<T>;
  #isSettled = false;
  #givesUp = false;

  constructor(parts: DatabaseCallParts<T>) {
    this.#parts = parts;
  }

  get instance(): number {
    return this.#parts.caller.instance;
  }

  done(result: T, delayMs: number): void {
    this.#settle(delayMs, () => this.#parts.resolve(result));
  }

  refused(error: Error, delayMs: number): void {
    this.#settle(delayMs, () => this.#parts.reject(error));
  }

  notDone(why: string, delayMs: number): void {
    this.refused(new NotDoneError(why), delayMs);
  }

  unknown(why: string, delayMs: number): void {
    this.#settle(delayMs, () => this.#parts.reject(new UnknownError(why)));
  }

  /** No answer may come: then the client ends it. Only then, because timers cost. */
  giveUpInTime(): void {
    if (this.#givesUp || this.#isSettled) return;
    this.#givesUp = true;
    this.unknown("no answer within the time", this.#parts.callTimeoutMs);
  }

  #settle(delayMs: number, end: () => void): void {
    if (this.#isSettled) return;
    const { caller, onSettled } = this.#parts;
    caller.settleLater(delayMs, () => {
      if (this.#isSettled) return;
      this.#isSettled = true;
      onSettled();
      end();
    });
  }
}
