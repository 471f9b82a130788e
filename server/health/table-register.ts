import type { PollResult } from "../meters/poll-report.ts";
import type { Time, Timer } from "../system/time.ts";
import type { PollNews, PollRegister, RegisterListener } from "./poll-register.ts";

/** How often others' results are looked for. */
const READ_MS = 1000;

/** A table with the rights to poll and the results (PostgresPollTable). */
export interface PollTable {
  tryTake(processor: number, token: string, forMs: number): Promise<boolean>;
  keep(processor: number, token: string, forMs: number, result?: PollResult): Promise<void>;
  latest(): Promise<{ processor: number; news: PollNews }[]>;
}

/** One connection to the database of that table. */
export type TableConnection = { readonly ready: Promise<void>; readonly table: PollTable; close(): void };

/** A register that is a table: others' results are read about once a second, as poolers pass on no notifications. */
export class TableRegister implements PollRegister {
  readonly ready: Promise<void>;
  readonly #connection: TableConnection;
  readonly #listener: RegisterListener;
  readonly #time: Time;
  #timer: Timer | undefined;
  #isClosed = false;

  /** `connect`: with what is to be called when the connection ends by itself. */
  constructor(connect: (onLost: (error: unknown) => void) => TableConnection, time: Time, listener: RegisterListener) {
    this.#time = time;
    this.#listener = listener;
    this.#connection = connect((error) => this.#lost(error));
    this.ready = this.#connection.ready.then(() => this.#read());
  }

  take(processor: number, token: string, forMs: number): Promise<boolean> {
    return this.#connection.table.tryTake(processor, token, forMs);
  }

  keep(processor: number, token: string, forMs: number, result?: PollResult): Promise<void> {
    return this.#connection.table.keep(processor, token, forMs, result);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#connection.close();
  }

  async #read(): Promise<void> {
    const rows = await this.#connection.table.latest();
    if (this.#isClosed) return;
    for (const { processor, news } of rows) this.#listener.told(processor, news);
    this.#timer = this.#time.after(READ_MS, () => void this.#read().catch((error: unknown) => this.#lost(error)));
  }

  #lost(error: unknown): void {
    if (!this.#isClosed) this.#listener.lost(error);
  }
}
