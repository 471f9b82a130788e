/**
 * UUIDs (RFC 9562) as four 32-bit words, most significant first, in an Int32Array.
 *
 *   text   xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx      36 ASCII bytes, digits in either case
 *   words  [   0   ] [   1   ] [   2   ] [  3  ]     16 bytes, so equality is four integer compares
 */
export const UUID_WORDS = 4;
export const UUID_TEXT_BYTES = 36;

const DASH = 0x2d;
/** Value of each ASCII hex digit; 0xff marks everything else. */
const HEX_VALUE = hexValues();
const HEX_PAIR: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
/** Text offset of each of the 16 byte pairs. */
const PAIR_OFFSET = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);

/**
 * Reads the 36 bytes at `offset` into `out[at … at+3]`. Returns false, leaving `out` undefined, when they are not a
 * UUID. Hot: no allocation, no branch per digit (all invalid digits are found by one test at the end).
 */
export function parseUuid(bytes: Uint8Array, offset: number, out: Int32Array, at = 0): boolean {
  if (offset + UUID_TEXT_BYTES > bytes.length) return false;
  if (bytes[offset + 8] !== DASH || bytes[offset + 13] !== DASH) return false;
  if (bytes[offset + 18] !== DASH || bytes[offset + 23] !== DASH) return false;
  let invalid = 0;
  for (let word = 0; word < UUID_WORDS; word++) {
    let value = 0;
    for (let pair = word * 4; pair < word * 4 + 4; pair++) {
      const digit = offset + PAIR_OFFSET[pair]!;
      const high = HEX_VALUE[bytes[digit]!]!;
      const low = HEX_VALUE[bytes[digit + 1]!]!;
      invalid |= high | low;
      value = (value << 8) | (high << 4) | low;
    }
    out[at + word] = value;
  }
  return invalid < 16;
}

/** Canonical lower-case text of the four words at `at`. */
export function formatUuid(words: ArrayLike<number>, at = 0): string {
  const a = words[at]!;
  const b = words[at + 1]!;
  const c = words[at + 2]!;
  const d = words[at + 3]!;
  const middle = `${hexHalf(b >>> 16)}-${hexHalf(b & 0xffff)}-${hexHalf(c >>> 16)}`;
  return `${hexWord(a)}-${middle}-${hexHalf(c & 0xffff)}${hexWord(d)}`;
}

/** Reads UUID text from a string; for places that are not hot. */
export function parseUuidText(text: string, out: Int32Array): boolean {
  if (text.length !== UUID_TEXT_BYTES) return false;
  const bytes = new Uint8Array(UUID_TEXT_BYTES);
  for (let i = 0; i < UUID_TEXT_BYTES; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    bytes[i] = code;
  }
  return parseUuid(bytes, 0, out);
}

function hexHalf(half: number): string {
  return HEX_PAIR[half >>> 8]! + HEX_PAIR[half & 0xff]!;
}

function hexWord(word: number): string {
  return hexHalf(word >>> 16) + hexHalf(word & 0xffff);
}

function hexValues(): Uint8Array {
  const values = new Uint8Array(256).fill(0xff);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    values[digit.charCodeAt(0)] = value;
    values[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return values;
}
