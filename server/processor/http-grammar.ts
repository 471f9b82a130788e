/**
 * The grammar of HTTP/1.1 heads and trailers (RFC 9110, section 5; RFC 9112, sections 4 and 5) as parts of regular
 * expressions. Bytes are read as latin1, one character each: positions in the text are positions in the stream. The
 * parts exclude each other at every character, so that a match takes time in proportion to the text.
 */
export const LINE_END = "\r\n";
/** Of a head and of trailers. */
export const EMPTY_LINE = "\r\n\r\n";
/** Of a head, and of trailers: what is longer is refused. */
export const SECTION_BYTES_MAX = 16_384;

export const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
export const QUOTED = '"(?:[\\t\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t\\x20-\\x7e\\x80-\\xff])*"';
export const BLANKS = "[ \\t]*";
/** Field values and reason phrases: no control character but the tabulator. */
export const TEXT = "[\\t\\x20-\\x7e\\x80-\\xff]*";
/**
 * A field. Blanks before the colon are nobody's to send; of an answer they are to be removed (RFC 9112, section 5.1). A
 * line that begins with a blank goes on with the one before it (section 5.2).
 */
export const FIELD = `${TOKEN}${BLANKS}:${TEXT}(?:\\r\\n[ \\t]${TEXT})*`;

const LONE_BREAK = /\r(?!\n|$)|(?<!\r)\n/;

/** Whether no end that is still to come can make these first bytes of some lines legal. */
export function hasLoneBreak(lines: string): boolean {
  return LONE_BREAK.test(lines);
}

/** What an answer is refused with: it is no legal HTTP/1.1, or beyond a bound. */
export class AnswerError extends Error {
  readonly code = "protocol_error";
}
