import { ChunkedBody } from "./chunked-body.ts";
import { AnswerError } from "./http-grammar.ts";
import { KeptBody } from "./kept-body.ts";
import { headOf, IN_CHUNKS, isInterim, type ResponseHead, UNTIL_END } from "./response-head.ts";

/** Of a body, what is kept unless told otherwise. A processor's answers are a few hundred bytes. */
const KEPT_BYTES_MAX = 16_384;
/** Heads that only say wait, before the one that answers. */
const INTERIM_COUNT_MAX = 32;
const NOT_ASCII = /[^\0-\x7f]/;

/**
 * Reads HTTP/1.1 answers (RFC 9112) from a connection on which one request at a time is out: every legal form of them,
 * however it is cut, and nothing else. Hand-made because it is on the way of every payment: the usual answer costs a
 * few comparisons and no objects.
 *
 *   head ─► body of known length ─► complete
 *     │  ├► chunks ───────────────► complete
 *     │  └► until the connection ends
 *     └ 1xx: another head follows
 *
 * A body of any length is read; what is beyond the part that is kept is dropped as it comes. Whoever waits for it has a
 * timeout.
 */
export class ResponseReader {
  /** Whether the connection may be used again, once the answer is complete. */
  keepsAlive = true;
  /**
   * Whether it is certain that the processor had nothing to say beyond the status: the body was declared to be empty,
   * and is.
   */
  isProvenEmpty = false;
  readonly #bodyBytesMax: number;
  readonly #body: KeptBody;
  readonly #chunks = new ChunkedBody();
  #head: ResponseHead | undefined;
  #interimCount = 0;
  /** Of a head, what has come so far. */
  #begun = "";

  /** Keeps the first bytes of a body; refuses one of more than `bodyBytesMax`. */
  constructor(keptBytesMax = KEPT_BYTES_MAX, bodyBytesMax = Number.POSITIVE_INFINITY) {
    this.#body = new KeptBody(keptBytesMax);
    this.#bodyBytesMax = bodyBytesMax;
  }

  /** 0 before the head is complete. */
  get status(): number {
    return this.#head?.status ?? 0;
  }

  /** Status line and fields as they came. */
  get head(): string {
    return this.#head?.text.slice(0, -4) ?? "";
  }

  /** Of the body, what is kept. */
  get body(): string {
    const raw = this.#body.text;
    return NOT_ASCII.test(raw) ? Buffer.from(raw, "latin1").toString("utf8") : raw;
  }

  /** Whether the body was longer than what is kept of it. */
  get isTruncated(): boolean {
    return this.#body.isTruncated;
  }

  /** Before the next answer. */
  reset(): void {
    this.keepsAlive = true;
    this.isProvenEmpty = false;
    this.#head = undefined;
    this.#interimCount = 0;
    this.#begun = "";
    this.#body.clear();
    this.#chunks.reset();
  }

  /** True when the answer is complete. Throws what is wrong with it. Takes bytes as latin1, at least one. Hot. */
  push(piece: string): boolean {
    let text = piece;
    let bodyStart = 0;
    if (this.#head === undefined) {
      if (this.#begun !== "") text = this.#begun + piece;
      bodyStart = this.#readHead(text);
      if (bodyStart < 0) return false;
    }
    const { bodyBytes } = this.#head!;
    const beyondBytes =
      bodyBytes === IN_CHUNKS
        ? this.#chunks.read(text, bodyStart, this.#body)
        : this.#takeBody(text, bodyStart, bodyBytes);
    if (this.#body.byteCount > this.#bodyBytesMax)
      throw new AnswerError(`body must not be longer: maxBytes=${this.#bodyBytesMax}`);
    if (beyondBytes < 0) return false;
    this.#complete(beyondBytes);
    return true;
  }

  /** The connection ended. True when that completes the answer. */
  end(): boolean {
    return this.#head?.bodyBytes === UNTIL_END;
  }

  /** Returns where the body starts, or -1 when more of the head is to come. */
  #readHead(text: string): number {
    let start = 0;
    for (;;) {
      const rest = start === 0 ? text : text.slice(start);
      const head = headOf(rest);
      if (head === undefined) {
        this.#begun = rest;
        return -1;
      }
      start += head.text.length;
      this.keepsAlive &&= head.keepsAlive;
      if (!isInterim(head.status)) {
        this.#head = head;
        this.#begun = "";
        return start;
      }
      this.#passOver(head.status);
    }
  }

  #passOver(status: number): void {
    if (status === 101) throw new AnswerError("answer must not change the protocol: status=101");
    if (++this.#interimCount > INTERIM_COUNT_MAX)
      throw new AnswerError(`answer must come: interimMax=${INTERIM_COUNT_MAX}`);
  }

  /** Returns how many bytes are beyond the body, or -1 when more of it is to come. */
  #takeBody(text: string, from: number, bodyBytes: number): number {
    const end = Math.min(text.length, from + bodyBytes - this.#body.byteCount);
    this.#body.add(text, from, end);
    return this.#body.byteCount < bodyBytes ? -1 : text.length - end;
  }

  #complete(beyondBytes: number): void {
    // Bytes beyond the answer are nobody's: what follows on this connection cannot be trusted, nor that the body was
    // empty.
    this.keepsAlive &&= beyondBytes === 0;
    this.isProvenEmpty = this.#head!.isSound && beyondBytes === 0 && this.#body.byteCount === 0;
  }
}
