import type { Socket } from "node:net";
import { SECTION_BYTES_MAX } from "./http-grammar.ts";
import { ResponseReader } from "./response-reader.ts";

/**
 * Whether an answer that undici has read had nothing to say beyond its status. undici does not tell of bytes behind an
 * answer, nor of all that its head says about the length, so the bytes are read once more, by the reader of the plain
 * way: a failing processor must prove the same by either. What is not seen here proves nothing.
 */
export class ProofOfEmptiness {
  #pieces: Buffer[] = [];
  #byteCount = 0;

  /** Sees what is read from the socket. */
  watch(socket: Socket): void {
    const read = socket.read.bind(socket);
    socket.read = (size) => {
      const piece = read(size) as Buffer | null;
      if (piece !== null) this.#add(piece);
      return piece;
    };
  }

  /** Before the next answer. */
  reset(): void {
    this.#pieces = [];
    this.#byteCount = 0;
  }

  /** Of an answer that undici has found to be complete. */
  holds(): boolean {
    if (this.#byteCount === 0 || this.#byteCount > SECTION_BYTES_MAX) return false;
    const reader = new ResponseReader();
    try {
      return reader.push(Buffer.concat(this.#pieces).toString("latin1")) && reader.isProvenEmpty;
    } catch {
      return false;
    }
  }

  /** Hot: keeps what undici has anyway, of a short answer. */
  #add(piece: Buffer): void {
    this.#byteCount += piece.length;
    if (this.#byteCount <= SECTION_BYTES_MAX) this.#pieces.push(piece);
    else this.#pieces = [];
  }
}
