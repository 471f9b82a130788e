import {
  AnswerError,
  BLANKS,
  EMPTY_LINE,
  FIELD,
  hasLoneBreak,
  QUOTED,
  SECTION_BYTES_MAX,
  TEXT,
  TOKEN,
} from "./http-grammar.ts";

/** Lengths of a body that are no number of bytes (RFC 9112, section 6.3). */
export const IN_CHUNKS = -1;
export const UNTIL_END = Number.POSITIVE_INFINITY;

export type ResponseHead = {
  /** As it came, with the empty line that ends it. */
  text: string;
  status: number;
  /** Whether the connection may be used again. */
  keepsAlive: boolean;
  /** Length of the body, or IN_CHUNKS, or UNTIL_END. */
  bodyBytes: number;
  /** False where fields contradict each other on the length: it can be read, but proves nothing. */
  isSound: boolean;
};

const VERSION = "HTTP/1.";
/** A status line without a reason may lack the space before it: senders are known to leave it out. */
const HEAD = new RegExp(`^HTTP/1\\.(\\d) (\\d{3})(?: ${TEXT})?(?:\\r\\n${FIELD})*$`);
const FOLD = /\r\n[ \t]/;
const FOLDS = /\r\n[ \t]+/g;
const FRAMING = /\r\n(connection|content-length|transfer-encoding)[ \t]*:([^\r]*)/gi;
const LENGTH = /^0*(\d+)$/;
const CODING = new RegExp(`^${TOKEN}(?:${BLANKS};${BLANKS}${TOKEN}${BLANKS}=${BLANKS}(?:${TOKEN}|${QUOTED}))*$`);
/** Chunks have no parameters; any are an error (RFC 9112, section 7.1). */
const CHUNKED_WITH_PARAMETERS = /^chunked[ \t]*;/i;

/**
 * A processor's heads are the same but for their Date, which changes once a second. This many kinds of them are
 * remembered.
 */
const KNOWN_COUNT = 4;
const known: ResponseHead[] = [];
let readCount = 0;

/**
 * The head that `text` begins with; undefined when not all of it is there. Throws what is wrong with it: it is no
 * HTTP/1.1, or too long. Hot: a head like one of those before costs a comparison or a few, no search and no object.
 */
export function headOf(text: string): ResponseHead | undefined {
  for (const head of known) {
    // A slice is a view, and comparing strings compares memory: several times as fast as startsWith.
    if (text.slice(0, head.text.length) === head.text) return head;
  }
  const end = text.indexOf(EMPTY_LINE);
  if (end < 0) {
    refuseHopeless(text);
    return undefined;
  }
  refuseLong(end + EMPTY_LINE.length);
  const head = readHead(text.slice(0, end + EMPTY_LINE.length));
  known[readCount++ % KNOWN_COUNT] = head;
  return head;
}

/** What cannot become a head is refused before whoever sent it falls silent. */
function refuseHopeless(text: string): void {
  const isBegun = text.length < VERSION.length ? VERSION.startsWith(text) : text.startsWith(VERSION);
  if (!isBegun || hasLoneBreak(text)) throw new AnswerError(`answer must be HTTP/1.1: begins=${text.slice(0, 20)}`);
  refuseLong(text.length + 1);
}

function refuseLong(headBytes: number): void {
  if (headBytes > SECTION_BYTES_MAX) throw new AnswerError(`head must not be longer: maxBytes=${SECTION_BYTES_MAX}`);
}

function readHead(text: string): ResponseHead {
  const raw = text.slice(0, -EMPTY_LINE.length);
  const statusLine = HEAD.exec(raw);
  if (statusLine === null) throw new AnswerError(`answer must be HTTP/1.1: begins=${text.slice(0, 20)}`);
  const isVersion10 = statusLine[1] === "0";
  const status = Number(statusLine[2]);
  const { connection, codings, lengths } = framingOf(FOLD.test(raw) ? raw.replaceAll(FOLDS, " ") : raw);
  const bodyBytes = hasBody(status) ? bodyBytesOf(codings, lengths) : 0;
  // Either may have been added on the way by somebody who reads the body in another way (RFC 9112, sections 6.1 and
  // 6.3).
  const isSound = codings === undefined || (lengths === undefined && !isVersion10);
  const asksForEnd = connection.includes("close") || (isVersion10 && !connection.includes("keep-alive"));
  return { text, status, keepsAlive: isSound && bodyBytes !== UNTIL_END && !asksForEnd, bodyBytes, isSound };
}

export function isInterim(status: number): boolean {
  return status >= 100 && status < 200;
}

function hasBody(status: number): boolean {
  return status !== 204 && status !== 304 && !isInterim(status);
}

type Framing = { connection: readonly string[]; codings: string[] | undefined; lengths: string[] | undefined };

/** What the head says of connection and body: fields that come more than once are one list. */
function framingOf(head: string): Framing {
  const connection: string[] = [];
  let codings: string[] | undefined;
  let lengths: string[] | undefined;
  FRAMING.lastIndex = 0;
  for (let field = FRAMING.exec(head); field !== null; field = FRAMING.exec(head)) {
    const elements = elementsOf(field[2]!);
    const name = field[1]!.toLowerCase();
    if (name === "connection") connection.push(...elements.map((option) => option.toLowerCase()));
    else if (name === "content-length") lengths = [...(lengths ?? []), ...elements];
    else codings = [...(codings ?? []), ...elements];
  }
  return { connection, codings, lengths };
}

/** Of a list, commas within quotes left alone; empty elements count for nothing (RFC 9110, section 5.6.1). */
function elementsOf(list: string): string[] {
  const elements: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < list.length; at++) {
    const char = list[at];
    if (char === '"') isQuoted = !isQuoted;
    else if (isQuoted && char === "\\") at++;
    else if (!isQuoted && char === ",") {
      elements.push(trimmed(list, start, at));
      start = at + 1;
    }
  }
  elements.push(trimmed(list, start, list.length));
  return elements.filter((element) => element !== "");
}

/** Without the blanks around it: a regular expression for those would try each one of many as the first. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && (text[start] === " " || text[start] === "\t")) start++;
  while (end > start && (text[end - 1] === " " || text[end - 1] === "\t")) end--;
  return text.slice(start, end);
}

function bodyBytesOf(codings: readonly string[] | undefined, lengths: readonly string[] | undefined): number {
  if (codings === undefined) return lengths === undefined ? UNTIL_END : lengthOf(lengths);
  const wrong = codings.find((coding) => !CODING.test(coding) || CHUNKED_WITH_PARAMETERS.test(coding));
  if (wrong !== undefined) throw new AnswerError(`transfer coding must be known: coding=${wrong.slice(0, 40)}`);
  return codings.at(-1)?.toLowerCase() === "chunked" ? IN_CHUNKS : UNTIL_END;
}

/** The same length any number of times is that length. */
function lengthOf(lengths: readonly string[]): number {
  const digits = new Set(lengths.map((length) => LENGTH.exec(length)?.[1] ?? ""));
  const bytes = digits.size === 1 && !digits.has("") ? Number([...digits][0]) : Number.NaN;
  if (!Number.isSafeInteger(bytes))
    throw new AnswerError(`Content-Length must be one number: lengths=${lengths.join().slice(0, 40)}`);
  return bytes;
}
