/** Bytes are read as latin1, one character each: positions in the text are positions in the stream. */
const HEAD_END = "\r\n\r\n";
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})/;
const CONNECTION = /\r\nconnection:([^\r]*)/i;
const CONTENT_LENGTH = /\r\ncontent-length:[ \t]*(\d+)[ \t]*(?:\r|$)/i;
const CHUNKED = /\r\ntransfer-encoding:[^\r]*chunked/i;
const NOT_ASCII = /[^\0-\x7f]/;
const CHUNK_SIZE = /^[0-9a-f]{1,8}[ \t]*(?:;|$)/i;

/**
 * Reads HTTP/1.1 answers (RFC 9112) from a connection on which one request at a time is out. Hand-made because it is on the way of every
 * payment: an answer that comes in one piece costs one search and a few matches, no objects.
 *
 *   head ─► body of known length ─► complete
 *     │  ├► chunks ───────────────► complete
 *     │  └► until the connection ends
 *     └ 1xx: another head follows
 */
export class ResponseReader {
  status = 0;
  /** Whether the connection may be used again. */
  keepsAlive = true;
  /** Status line and headers as they came. */
  head = "";
  readonly #bytesMax: number;
  #text = "";
  #bodyStart = -1;
  /** -1: in chunks; infinite: until the connection ends. */
  #bodyBytes = 0;
  #chunked = "";
  #chunksEnd = 0;

  /** An answer of more than `bytesMax`, head and body, is refused. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Before the next answer. */
  reset(): void {
    this.status = 0;
    this.keepsAlive = true;
    this.head = "";
    this.#text = "";
    this.#bodyStart = -1;
    this.#chunked = "";
  }

  /** True when the answer is complete. Throws when it is no HTTP or too long. Hot. */
  push(text: string): boolean {
    this.#text = this.#text === "" ? text : this.#text + text;
    if (this.#text.length > this.#bytesMax) throw new Error(`answer must not be longer: maxBytes=${this.#bytesMax}`);
    if (this.#bodyStart < 0 && !this.#readHead()) return false;
    const isComplete = this.#bodyBytes >= 0 ? this.#bodyEnd <= this.#text.length : this.#readChunks();
    // Bytes beyond the answer are nobody's: what follows on this connection cannot be trusted.
    if (isComplete && this.#bodyEnd < this.#text.length) this.keepsAlive = false;
    return isComplete;
  }

  /** The connection ended. True when that completes the answer. */
  end(): boolean {
    return this.#bodyStart >= 0 && this.#bodyBytes === Number.POSITIVE_INFINITY;
  }

  get body(): string {
    const raw = this.#bodyBytes < 0 ? this.#chunked : this.#text.slice(this.#bodyStart, this.#bodyEnd);
    return NOT_ASCII.test(raw) ? Buffer.from(raw, "latin1").toString("utf8") : raw;
  }

  #readHead(): boolean {
    for (;;) {
      const end = this.#text.indexOf(HEAD_END);
      if (end < 0) return false;
      const status = STATUS_LINE.exec(this.#text);
      if (status === null) throw new Error(`answer must be HTTP/1.1: begins=${this.#text.slice(0, 20)}`);
      this.status = Number(status[2]);
      this.head = this.#text.slice(0, end);
      this.#bodyStart = end + HEAD_END.length;
      if (this.status >= 200) {
        this.#measureBody(status[1] === "1");
        return true;
      }
      this.#text = this.#text.slice(this.#bodyStart);
      this.#bodyStart = -1;
    }
  }

  /** Where the body ends in the text; in chunks, once all are read. */
  get #bodyEnd(): number {
    return this.#bodyBytes < 0 ? this.#chunksEnd : this.#bodyStart + this.#bodyBytes;
  }

  #measureBody(isVersion11: boolean): void {
    const connection = CONNECTION.exec(this.head)?.[1]?.toLowerCase() ?? "";
    this.keepsAlive = isVersion11 ? !connection.includes("close") : connection.includes("keep-alive");
    const length = CONTENT_LENGTH.exec(this.head);
    if (this.status === 204 || this.status === 304) this.#bodyBytes = 0;
    else if (CHUNKED.test(this.head)) this.#bodyBytes = -1;
    else if (length !== null) this.#bodyBytes = Number(length[1]);
    else this.#bodyBytes = Number.POSITIVE_INFINITY;
    if (this.#bodyBytes === Number.POSITIVE_INFINITY) this.keepsAlive = false;
  }

  /** Reads all chunks over again on each piece: answers in chunks are few, small, and mostly come in one. */
  #readChunks(): boolean {
    let at = this.#bodyStart;
    let body = "";
    for (;;) {
      const sizeEnd = this.#text.indexOf("\r\n", at);
      if (sizeEnd < 0) return false;
      const line = this.#text.slice(at, sizeEnd);
      if (!CHUNK_SIZE.test(line)) throw new Error(`chunk must have a size: chunk=${line.slice(0, 10)}`);
      const size = Number.parseInt(line, 16);
      at = sizeEnd + 2;
      if (size === 0) {
        // An empty line, or trailers that end with one.
        const end = this.#text.startsWith("\r\n", at) ? at - 2 : this.#text.indexOf(HEAD_END, at);
        if (end < 0) return false;
        this.#chunked = body;
        this.#chunksEnd = end + HEAD_END.length;
        return true;
      }
      body += this.#text.slice(at, at + size);
      at += size + 2;
      if (this.#text.length < at) return false;
    }
  }
}
