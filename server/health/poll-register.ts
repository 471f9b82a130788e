import type { PollResult } from "../meters/poll-report.ts";

/** The answer to a poll, as a register tells it. */
export type PollNews = {
  /** Of the poll: no two have the same. */
  token: string;
  result: PollResult;
  /** Since the register was told. */
  ageMs: number;
};

/**
 * A connection to a place outside all instances that says who may poll, and what polls were answered: Redis, or a table
 * in PostgreSQL. Whatever rejects, or does not settle in time, ends the connection: what became of it is unknown then.
 * Durations are measured by the register's own clock; no clocks are compared.
 */
export interface PollRegister {
  /** Settles when the connection is there, or cannot be had. */
  readonly ready: Promise<void>;
  /** Takes the right to poll for so long, under this token; false when somebody has it. */
  take(processor: number, token: string, forMs: number): Promise<boolean>;
  /**
   * The right that was taken under this token ends so long from now (0: at once), and all who share the register hear
   * of the result, if there is one. Nothing happens where somebody else has the right by now, who knows better.
   */
  keep(processor: number, token: string, forMs: number, result?: PollResult): Promise<void>;
  /** Ends everything, without a word to the listener. */
  close(): void;
}

export type RegisterListener = {
  /** The latest news of a processor. Those of one's own polls come too, and any may come again. */
  told(processor: number, news: PollNews): void;
  /** The connection has ended by itself. */
  lost(error: unknown): void;
};

export type OpenRegister = (listener: RegisterListener) => PollRegister;

/** News older than this help nobody. */
export const NEWS_MS_MAX = 60_000;
