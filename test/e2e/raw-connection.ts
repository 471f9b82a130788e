import { connect, type Socket } from "node:net";
import type { Target } from "./caller.ts";
import { until } from "./until.ts";

export type RawAnswer = { status: number; headers: Record<string, string>; body: string };

/** A connection on which every byte is the test's own: pipelining, odd framing, hanging up in the middle. */
export class RawConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #isClosed = false;

  constructor(target: Target) {
    this.#socket = connect("socketPath" in target ? { path: target.socketPath } : target);
    this.#socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    // A reset is one of the ways a connection may end here.
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.#isClosed = true;
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Answers that have begun: also those to HEAD, of which there is nothing but a head. */
  get headCount(): number {
    return this.#received.toString("latin1").split("\r\n\r\n").length - 1;
  }

  /** Of the first answer. */
  get status(): number {
    return Number(this.#received.toString("latin1", 9, 12));
  }

  get receivedBytes(): number {
    return this.#received.length;
  }

  /** From now on nothing is taken from the kernel. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Forgets what has come so far. */
  dropReceived(): void {
    this.#received = Buffer.alloc(0);
  }

  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** The first `count` answers, in the order they came. */
  async answers(count: number): Promise<RawAnswer[]> {
    let parsed: RawAnswer[] = [];
    await until(`${count} answers on one connection`, () => {
      parsed = parseAnswers(this.#received);
      return parsed.length >= count || this.#isClosed;
    });
    if (parsed.length < count) throw new Error(`the connection must stay open: answers=${parsed.length} of ${count}`);
    return parsed;
  }

  /** Hangs up, whatever is still on its way. */
  close(): void {
    this.#socket.destroy();
  }
}

/** Every whole answer in the bytes: with a length, chunked, or without a body. */
function parseAnswers(bytes: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let at = 0;
  for (;;) {
    const headEnd = bytes.indexOf("\r\n\r\n", at);
    if (headEnd < 0) return answers;
    const [statusLine = "", ...lines] = bytes.toString("latin1", at, headEnd).split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => [line.split(": ")[0]!.toLowerCase(), line.slice(line.indexOf(": ") + 2)]),
    );
    const body = bodyAt(bytes, headEnd + 4, headers);
    if (body === undefined) return answers;
    answers.push({ status: Number(statusLine.split(" ")[1]), headers, body: body.text });
    at = body.end;
  }
}

function bodyAt(bytes: Buffer, at: number, headers: Record<string, string>): { text: string; end: number } | undefined {
  if (headers["transfer-encoding"] === "chunked") {
    const end = bytes.indexOf("0\r\n\r\n", at);
    return end < 0 ? undefined : { text: bytes.toString("utf8", at, end), end: end + 5 };
  }
  const end = at + Number(headers["content-length"] ?? 0);
  return end > bytes.length ? undefined : { text: bytes.toString("utf8", at, end), end };
}
