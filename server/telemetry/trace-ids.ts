import { randomBytes } from "node:crypto";

const WORDS = 2 ** 32;
const SPAN_ID_DIGITS = 16;
/** Drawn at once, because a span that is rare should not be made by code that is rare as well. */
const SPAN_IDS = 512;

let spanIds = "";
let spanIdsUsed = 0;

/** 32 random bits, as a whole number from 0. */
export function randomWord(): number {
  return (Math.random() * WORDS) >>> 0;
}

/** 8 hex digits. */
export function hexWord(word: number): string {
  return word.toString(16).padStart(8, "0");
}

/** 16 hex digits. All zeros would mean no span; they never come. */
export function newSpanId(): string {
  if (spanIdsUsed === spanIds.length) {
    spanIds = randomBytes((SPAN_IDS * SPAN_ID_DIGITS) / 2).toString("hex");
    spanIdsUsed = 0;
  }
  const at = spanIdsUsed;
  spanIdsUsed += SPAN_ID_DIGITS;
  return spanIds.slice(at, spanIdsUsed);
}
