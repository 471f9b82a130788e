import { StringDecoder } from "node:string_decoder";

export const LOG_TAIL_LINES_MAX = 200;
/** A longer line is cut: a child that never ends its line must not fill our memory. */
export const LOG_LINE_CHARS_MAX = 8192;

/** The last lines of one child, both its streams together in the order they came in. */
export class LogTail {
  readonly #lines: string[] = [];
  #oldest = 0;

  push(line: string): void {
    if (this.#lines.length < LOG_TAIL_LINES_MAX) {
      this.#lines.push(line);
      return;
    }
    this.#lines[this.#oldest] = line;
    this.#oldest = (this.#oldest + 1) % LOG_TAIL_LINES_MAX;
  }

  lines(): string[] {
    return [...this.#lines.slice(this.#oldest), ...this.#lines.slice(0, this.#oldest)];
  }
}

/** Cuts one byte stream into lines. The last line may come without its end: `end` hands it over. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  #rest = "";

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    const pieces = (this.#rest + this.#decoder.write(chunk)).split("\n");
    // The piece after the last newline is the beginning of a line still to come.
    this.#rest = (pieces.pop() ?? "").slice(0, LOG_LINE_CHARS_MAX);
    for (const piece of pieces) this.#onLine(piece.slice(0, LOG_LINE_CHARS_MAX));
  }

  end(): void {
    if (this.#rest !== "") this.#onLine(this.#rest);
    this.#rest = "";
  }
}
