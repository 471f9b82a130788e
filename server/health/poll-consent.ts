import type { PollResult } from "../meters/poll-report.ts";

/**
 * Who may poll a processor's health endpoint, and when: at most one call per 5 s from all who share it. There are two
 * ways to agree on that: the instances ask each other (PeerConsent), or all ask a register that several deployments may
 * share (RegisterConsent).
 */
export interface PollConsent {
  /**
   * Whether a poll may leave. If so it must leave at once, and `ended` must follow. To be asked every tenth of a second
   * or so, one at a time for each processor. Resolves in bounded time, never rejects.
   */
  ask(processor: number): Promise<boolean>;
  /**
   * That poll has ended, answered or given up. Resolves when the others were told, or it is clear that they cannot be;
   * in bounded time, never rejects.
   */
  ended(processor: number, result: PollResult | undefined): Promise<void>;
  /** No more answers; what was asked resolves to false. */
  close(): void;
}

/** Somebody else's poll was answered so long ago. */
export type OnHeard = (processor: number, result: PollResult, ageMs: number) => void;
