const HYPHEN_CODE = 45;

/** Value of an ASCII hex digit by its character code, -1 for anything else. */
const NIBBLE_OF = new Int8Array(128).fill(-1);
for (const [value, digit] of [..."0123456789abcdef"].entries()) {
  NIBBLE_OF[digit.charCodeAt(0)] = value;
  NIBBLE_OF[digit.toUpperCase().charCodeAt(0)] = value;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function isHyphenPlace(position: number): boolean {
  return position === 8 || position === 13 || position === 18 || position === 23;
}

/**
 * A correlationId as four big-endian 32-bit words, so that the same UUID in any letter case is the same key.
 * Only the hyphenated form is a UUID here, as for the real processor's JSON reader.
 * Hot: one pass over the characters, no regular expression, no substring.
 */
export function readCorrelationId(text: string): Uint32Array | undefined {
  if (text.length !== 36) return undefined;
  const words = new Uint32Array(4);
  let word = 0;
  let nibbleCount = 0;
  for (let position = 0; position < 36; position++) {
    const code = text.charCodeAt(position);
    if (isHyphenPlace(position)) {
      if (code !== HYPHEN_CODE) return undefined;
      continue;
    }
    const nibble = code < 128 ? NIBBLE_OF[code]! : -1;
    if (nibble < 0) return undefined;
    word = (word << 4) | nibble;
    nibbleCount++;
    if ((nibbleCount & 7) === 0) words[(nibbleCount >> 3) - 1] = word;
  }
  return words;
}

/** The canonical lower-case text of the four words that start at `offset`. */
export function correlationIdText(words: Uint32Array, offset = 0): string {
  let text = "";
  for (let byteIndex = 0; byteIndex < 16; byteIndex++) {
    if (byteIndex === 4 || byteIndex === 6 || byteIndex === 8 || byteIndex === 10) text += "-";
    text += HEX_OF_BYTE[(words[offset + (byteIndex >> 2)]! >>> (24 - 8 * (byteIndex & 3))) & 0xff];
  }
  return text;
}
