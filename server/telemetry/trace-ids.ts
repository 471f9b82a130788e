const WORDS = 2 ** 32;

/** 32 random bits, as a whole number from 0. */
export function randomWord(): number {
  return (Math.random() * WORDS) >>> 0;
}

/** 8 hex digits. */
export function hexWord(word: number): string {
  return word.toString(16).padStart(8, "0");
}

/** 16 hex digits, never all zeros: that would mean no span. */
export function newSpanId(): string {
  return hexWord(randomWord()) + hexWord(randomWord() || 1);
}
