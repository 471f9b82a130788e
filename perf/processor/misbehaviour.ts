import type { Header } from "./kestrel.ts";

/** POST /payments, GET /payments/{correlationId}, GET /payments/service-health. */
export const CALLS = ["payment", "lookup", "health"] as const;
export type Call = (typeof CALLS)[number];

/**
 *   yes     the payment is charged, then answered
 *   no      answered, and never charged
 *   late    answered, then charged
 */
export const CHARGES = ["yes", "no", "late"] as const;

/** What becomes of the connection after the answer. `reset`: broken off with a RST. */
export const ENDS = ["keep", "close", "reset"] as const;

/** Which of the calls: all of it must hold. Calls are counted from when the misbehaviour was set. */
export type When = {
  /** Only the first so many. */
  readonly first: number;
  /** Of every so many, the last one. */
  readonly every: number;
  /** This share of the calls, from 0 to 1: the same ones whenever the seed is the same. */
  readonly share: number;
  readonly seed: number;
  /** Only requests with this number on their connection, the first being 1. */
  readonly requestOfConnection: number | undefined;
  /** Of look-ups: only those of payments that are charged, or only those of payments that are not. */
  readonly found: boolean | undefined;
};

/** Bytes, then an end. No bytes and a kept connection: the caller waits for ever. */
export type BadAnswer = {
  /** 0: no answer, or the one in `raw`. */
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: string;
  /** What is sent instead of an HTTP answer; empty when there is a status. */
  readonly raw: Buffer;
  /** Pause between one byte and the next; 0 sends all at once. */
  readonly byteMs: number;
  readonly end: (typeof ENDS)[number];
};

/** Something that a processor does wrong: when, whether it charges, and what it answers. */
export type Misbehaviour = {
  readonly call: Call;
  readonly when: When;
  readonly charge: (typeof CHARGES)[number];
  /** How long an insert takes, one of the connections to the database being busy all the while. */
  readonly insertMs: number;
  /** `undefined`: what it would have answered. */
  readonly answer: BadAnswer | undefined;
};

/**
 * uWebSockets.js can neither send bytes as they are nor break a connection off, and does not tell connections apart.
 */
export function needsFront({ when, answer }: Misbehaviour): boolean {
  return when.requestOfConnection !== undefined || (answer !== undefined && isBare(answer));
}

export function isBare({ raw, byteMs, end }: BadAnswer): boolean {
  return raw.length > 0 || byteMs > 0 || end === "reset";
}
