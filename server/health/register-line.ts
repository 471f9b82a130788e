import type { Time, Timer } from "../system/time.ts";
import { lossReason } from "./loss-reason.ts";
import type { OpenRegister, PollNews, PollRegister } from "./poll-register.ts";

const CONNECT_MS_MAX = 5000;
/** A command that takes longer ends its connection, so no more than a few are ever under way. */
export const COMMAND_MS_MAX = 2000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 10_000;
/** A connection that lasted so long was a good one: the next try comes soon again. */
const LONG_LIFE_MS = 30_000;

export type RegisterLineParts = {
  open: OpenRegister;
  time: Time;
  onTold: (processor: number, news: PollNews) => void;
  /** A connection is there: a new one, maybe to a register that has lost what it knew. */
  onConnected: () => void;
  /** There is none any more, or still none; the reason is a short word without secrets. */
  onLost: (reason: string) => void;
};

/** The way to a register: one connection at a time, opened again when it ends, with longer and longer pauses. */
export class RegisterLine {
  readonly #parts: RegisterLineParts;
  #register: PollRegister | undefined;
  #isReady = false;
  #readyAtMs = 0;
  #retryMs = RETRY_MS_MIN;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: RegisterLineParts) {
    this.#parts = parts;
    this.#timer = parts.time.after(0, () => this.#connect());
  }

  /**
   * What the register says; undefined when there is no connection, or it ends over this. Settles in bounded time, never
   * rejects.
   */
  run<T>(command: (register: PollRegister) => Promise<T>): Promise<T | undefined> {
    const register = this.#register;
    if (register === undefined || !this.#isReady) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const fail = (error: unknown): void => {
        timer.cancel();
        this.#lost(register, error);
        resolve(undefined);
      };
      const timer = this.#parts.time.after(COMMAND_MS_MAX, () => fail("timed_out"));
      command(register).then((value) => {
        timer.cancel();
        resolve(value);
      }, fail);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#register?.close();
  }

  #connect(): void {
    const { open, time, onTold, onConnected } = this.#parts;
    const register: PollRegister = open({
      told: (processor, news) => {
        if (register === this.#register && !this.#isClosed) onTold(processor, news);
      },
      lost: (error) => this.#lost(register, error),
    });
    this.#register = register;
    this.#timer = time.after(CONNECT_MS_MAX, () => this.#lost(register, "timed_out"));
    register.ready.then(
      () => {
        if (register !== this.#register || this.#isClosed) return;
        this.#timer?.cancel();
        this.#isReady = true;
        this.#readyAtMs = time.monotonicMs();
        onConnected();
      },
      (error) => this.#lost(register, error),
    );
  }

  #lost(register: PollRegister, error: unknown): void {
    if (register !== this.#register || this.#isClosed) return;
    const { time, onLost } = this.#parts;
    const livedMs = this.#isReady ? time.monotonicMs() - this.#readyAtMs : 0;
    this.#register = undefined;
    this.#isReady = false;
    this.#timer?.cancel();
    register.close();
    if (livedMs > LONG_LIFE_MS) this.#retryMs = RETRY_MS_MIN;
    this.#timer = time.after(this.#retryMs, () => this.#connect());
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS_MAX);
    onLost(lossReason(error));
  }
}
