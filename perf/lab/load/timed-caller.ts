import { type Ask, type HttpAnswer, type HttpCall, pathUnder } from "../../audit/ask.ts";
import { Connection, type Outcome } from "./connection.ts";

/** Calls to one server over one connection, one after the other; tells how long each of them took. */
export class TimedCaller {
  readonly #base: URL;
  readonly #connection: Connection;
  readonly #timeoutMs: number;
  readonly #onCall: (outcome: Outcome) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(base: URL, timeoutMs: number, onCall: (outcome: Outcome) => void = () => {}) {
    this.#base = base;
    this.#connection = new Connection(base);
    this.#timeoutMs = timeoutMs;
    this.#onCall = onCall;
  }

  readonly ask: Ask = (call) =>
    new Promise((resolve, reject) => {
      this.#timer = setTimeout(() => this.#connection.timeOut(), this.#timeoutMs);
      this.#connection.send(requestText(this.#base, call), (outcome, reader) => {
        clearTimeout(this.#timer);
        this.#onCall(outcome);
        if (outcome.error === null)
          resolve({ status: reader.status, headers: headersOf(reader.head), body: reader.body });
        else {
          const facts = `url=${this.#base.origin}${call.path} reason=${outcome.error}`;
          reject(new Error(`server must answer: ${facts} (start it, or say where it is)`));
        }
      });
    });

  /** A call that is out has no outcome any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#connection.close();
  }
}

export function requestText(base: URL, { method, path, headers, body = "" }: HttpCall): string {
  const lines = [
    `${method} ${pathUnder(base, path)} HTTP/1.1`,
    `Host: ${base.host}`,
    "User-Agent: rinha-contest",
    ...Object.entries(headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    ...(method === "GET" ? [] : ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

function headersOf(head: string): HttpAnswer["headers"] {
  const lines = head.split("\r\n").slice(1);
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}
