import {
  AnswerError,
  BLANKS,
  EMPTY_LINE,
  FIELD,
  hasLoneBreak,
  LINE_END,
  QUOTED,
  SECTION_BYTES_MAX,
  TOKEN,
} from "./http-grammar.ts";
import type { KeptBody } from "./kept-body.ts";

const EXTENSION = `${BLANKS};${BLANKS}${TOKEN}(?:${BLANKS}=${BLANKS}(?:${TOKEN}|${QUOTED}))?`;
const SIZE_LINE = new RegExp(`^[0-9a-fA-F]+(?:${EXTENSION})*$`);
const BEGUN_SIZE_LINE = /^[0-9a-f]+(?:[ \t;].*)?\r?$/i;
const TRAILERS = new RegExp(`^${FIELD}(?:\\r\\n${FIELD})*$`);
/** Of a chunk's size and its extensions, without the end of the line. */
const SIZE_LINE_BYTES_MAX = 4096;
const LAST_CHUNK = "0\r\n\r\n";
/** What a step returns when the text ends before what it reads does. */
const MORE = -1;

type Part = "size" | "data" | "data end" | "trailers" | "over";

/**
 * Reads a body in chunks (RFC 9112, section 7.1) as it comes, each byte once but for those of a line that is cut.
 *
 *   size ──► data ──► data end ─┐
 *    ▲ │                        │
 *    │ └ 0: trailers ──► over   │
 *    └──────────────────────────┘
 */
export class ChunkedBody {
  #part: Part = "size";
  /** Of the chunk's data, still to come. */
  #dataBytes = 0;
  /** A line that has begun. */
  #begun = "";

  reset(): void {
    this.#part = "size";
    this.#begun = "";
  }

  /**
   * Adds the data in `piece`, from a position on, to the body. Returns -1 when more is to come, else how many bytes at
   * the end of the piece are beyond the body. Throws what is wrong with the chunks. Hot.
   */
  read(piece: string, from: number, body: KeptBody): number {
    const text = this.#begun === "" ? piece : this.#begun + piece;
    let at = from;
    while (this.#part !== "over") {
      const next = this.#part === "data" ? this.#takeData(text, at, body) : this.#readLine(text, at);
      if (next === MORE) {
        this.#begun = this.#part === "data" ? "" : text.slice(at);
        return MORE;
      }
      at = next;
    }
    return text.length - at;
  }

  #takeData(text: string, at: number, body: KeptBody): number {
    const end = Math.min(at + this.#dataBytes, text.length);
    body.add(text, at, end);
    this.#dataBytes -= end - at;
    if (this.#dataBytes > 0) return MORE;
    this.#part = "data end";
    return end;
  }

  #readLine(text: string, at: number): number {
    if (this.#part === "size") return this.#readSize(text, at);
    return this.#part === "trailers" ? this.#readTrailers(text, at) : this.#readDataEnd(text, at);
  }

  #readDataEnd(text: string, at: number): number {
    if (text.length - at < LINE_END.length && LINE_END.startsWith(text.slice(at))) return MORE;
    if (!text.startsWith(LINE_END, at))
      throw new AnswerError(`chunk must end where it says: found=${text.slice(at, at + 10)}`);
    this.#part = "size";
    return at + LINE_END.length;
  }

  /** Leading zeros change nothing: the size is a number, its digits are bounded by the length of the line. */
  #readSize(text: string, at: number): number {
    if (text.startsWith(LAST_CHUNK, at)) {
      this.#part = "over";
      return at + LAST_CHUNK.length;
    }
    let size = 0;
    let digitsEnd = at;
    for (let digit = digitAt(text, at); digit >= 0; digit = digitAt(text, ++digitsEnd)) size = size * 16 + digit;
    const isPlain = digitsEnd > at && text.startsWith(LINE_END, digitsEnd);
    const lineEnd = isPlain ? digitsEnd : extendedLineEnd(text, at);
    refuseLong(text, at, lineEnd, SIZE_LINE_BYTES_MAX);
    if (lineEnd === MORE) return MORE;
    if (!Number.isSafeInteger(size)) throw new AnswerError(`chunk must have a size: chunk=${text.slice(at, at + 20)}`);
    this.#dataBytes = size;
    this.#part = size > 0 ? "data" : "trailers";
    return lineEnd + LINE_END.length;
  }

  /** An empty line, or fields, which nobody needs, and an empty line. */
  #readTrailers(text: string, at: number): number {
    let end = text.startsWith(LINE_END, at) ? at : MORE;
    if (end === MORE) {
      const fieldsEnd = text.indexOf(EMPTY_LINE, at);
      const fields = text.slice(at, fieldsEnd === -1 ? undefined : fieldsEnd);
      refuseLong(text, at, fieldsEnd, SECTION_BYTES_MAX);
      if (fieldsEnd === -1 ? hasLoneBreak(fields) : !TRAILERS.test(fields))
        throw new AnswerError(`trailers must be fields: trailers=${fields.slice(0, 20)}`);
      if (fieldsEnd === -1) return MORE;
      end = fieldsEnd + LINE_END.length;
    }
    this.#part = "over";
    return end + LINE_END.length;
  }
}

/** Where a size's line ends that has more than a size in it. */
function extendedLineEnd(text: string, at: number): number {
  const end = text.indexOf(LINE_END, at);
  const line = text.slice(at, end === -1 ? undefined : end);
  const isLegal = end !== -1 ? SIZE_LINE.test(line) : line === "" || BEGUN_SIZE_LINE.test(line);
  if (!isLegal) throw new AnswerError(`chunk must have a size: chunk=${line.slice(0, 20)}`);
  return end === -1 ? MORE : end;
}

/** Counted without what ends it, which may have come in part: the same is refused however it is cut. */
function refuseLong(text: string, from: number, end: number, bytesMax: number): void {
  let to = end === MORE ? text.length : end;
  while (end === MORE && to > from && LINE_END.includes(text[to - 1]!)) to--;
  if (to - from > bytesMax) throw new AnswerError(`chunks must have short lines: maxBytes=${bytesMax}`);
}

/** Of a hexadecimal digit, its value; of anything else, and beyond the end, -1. */
function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x61 + 10 : -1;
}
