/** Bytes are read as latin1, one character each: positions in the text are positions in the stream. */
const headEnd = "\r\n\r\n";
/** Of one answer. More is not what this client asks for. */
const answerBytesMax = 1024 * 1024;

/**
 * Reads HTTP/1.1 answers from a connection on which one request at a time is out. Hand-made because the generator shares its
 * two cores with what it measures: an answer that comes in one piece costs one search and a few matches, no objects.
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
  #text = "";
  #bodyStart = -1;
  /** -1: in chunks; infinite: until the connection ends. */
  #bodyBytes = 0;
  #chunked = "";

  /** Before the next answer. */
  reset(): void {
    this.status = 0;
    this.keepsAlive = true;
    this.head = "";
    this.#text = "";
    this.#bodyStart = -1;
    this.#chunked = "";
  }

  /** True when the answer is complete. Throws when it is no HTTP or too long. */
  push(bytes: Buffer): boolean {
    this.#text += bytes.toString("latin1");
    if (this.#text.length > answerBytesMax) throw new Error(`answer must not be longer: maxBytes=${answerBytesMax}`);
    if (this.#bodyStart < 0 && !this.#readHead()) return false;
    if (this.#bodyBytes >= 0) return this.#text.length - this.#bodyStart >= this.#bodyBytes;
    return this.#readChunks();
  }

  /** The connection ended. True when that completes the answer. */
  end(): boolean {
    return this.#bodyStart >= 0 && this.#bodyBytes === Number.POSITIVE_INFINITY;
  }

  get body(): string {
    const raw = this.#bodyBytes < 0 ? this.#chunked : this.#text.slice(this.#bodyStart);
    return Buffer.from(raw, "latin1").toString("utf8");
  }

  #readHead(): boolean {
    for (;;) {
      const end = this.#text.indexOf(headEnd);
      if (end < 0) return false;
      const status = /^HTTP\/1\.([01]) (\d{3})/.exec(this.#text);
      if (status === null) throw new Error(`answer must be HTTP/1.1: begins=${this.#text.slice(0, 20)}`);
      this.status = Number(status[2]);
      this.head = this.#text.slice(0, end);
      this.#bodyStart = end + headEnd.length;
      if (this.status >= 200) {
        this.#measureBody(status[1] === "1");
        return true;
      }
      this.#text = this.#text.slice(this.#bodyStart);
      this.#bodyStart = -1;
    }
  }

  #measureBody(isVersion11: boolean): void {
    const connection = (/\r\nconnection:([^\r]*)/i.exec(this.head)?.[1] ?? "").toLowerCase();
    this.keepsAlive = isVersion11 ? !connection.includes("close") : connection.includes("keep-alive");
    const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(this.head);
    if (this.status === 204 || this.status === 304) this.#bodyBytes = 0;
    else if (/\r\ntransfer-encoding:[^\r]*chunked/i.test(this.head)) this.#bodyBytes = -1;
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
      const size = Number.parseInt(this.#text.slice(at, sizeEnd), 16);
      if (Number.isNaN(size)) throw new Error(`chunk must have a size: chunk=${this.#text.slice(at, at + 10)}`);
      at = sizeEnd + 2;
      if (size === 0) {
        this.#chunked = body;
        return this.#text.startsWith("\r\n", at) || this.#text.includes(headEnd, at);
      }
      body += this.#text.slice(at, at + size);
      at += size + 2;
      if (this.#text.length < at) return false;
    }
  }
}
