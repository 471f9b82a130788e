import { parseObject } from "../json-object.ts";
import type { NameLookup } from "../name-lookup.ts";
import { Connection, type Failure, type Receiver } from "../processor/connection.ts";
import { endpointOf } from "../processor/endpoint.ts";

/** From the call to the last byte of its answer: the endpoint may hold an early call for a window or two. */
const CALL_TIMEOUT_MS = 11_000;
const ANSWER_BYTES_MAX = 4096;

export type PollResult = { failing: boolean; minResponseMs: number };

export type HealthAnswer = {
  /** 0 when there was no answer. */
  status: number;
  /** What the processor says of itself, if that is usable. */
  result?: PollResult;
  /** Why not: a word of a small set. */
  error?: string;
};

/** A processor's health endpoint: one call at a time, each on a connection of its own. */
export class HealthEndpoint {
  readonly #host: string;
  readonly #port: number;
  readonly #request: string;
  readonly #names: NameLookup;
  readonly #timeoutMs: number;
  #connection: Connection | undefined;

  constructor(processorUrl: URL, names: NameLookup, timeoutMs = CALL_TIMEOUT_MS) {
    const { host, port, path, headers } = endpointOf(processorUrl);
    this.#host = host;
    this.#port = port;
    this.#request = `GET ${path}/service-health HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;
    this.#names = names;
    this.#timeoutMs = timeoutMs;
  }

  /** What the processor says, or why it gives no usable answer in time, however it spends that. Never rejects. */
  ask(): Promise<HealthAnswer> {
    return new Promise((resolve) => {
      const connection = new Connection(this.#host, this.#port, this.#names, () => {}, ANSWER_BYTES_MAX);
      this.#connection = connection;
      const call = new Call(resolve, () => connection.close());
      call.timer = setTimeout(() => {
        call.isLate = true;
        connection.timeOut();
      }, this.#timeoutMs);
      connection.send(this.#request, call);
    });
  }

  /** Ends a call that is out. */
  close(): void {
    this.#connection?.close();
  }
}

/** A call that is out. */
class Call implements Receiver {
  timer: NodeJS.Timeout | undefined;
  isLate = false;
  readonly #resolve: (answer: HealthAnswer) => void;
  readonly #close: () => void;

  constructor(resolve: (answer: HealthAnswer) => void, close: () => void) {
    this.#resolve = resolve;
    this.#close = close;
  }

  answered(status: number, body: string): void {
    const result = status === 200 ? parseHealth(body) : undefined;
    this.#end(result === undefined ? { status, error: "unusable_answer" } : { status, result });
  }

  failed(_failure: Failure, error: NodeJS.ErrnoException): void {
    this.#end({ status: 0, error: this.isLate ? "timed_out" : (error.code ?? "connection_reset") });
  }

  #end(answer: HealthAnswer): void {
    clearTimeout(this.timer);
    this.#close();
    this.#resolve(answer);
  }
}

function parseHealth(body: string): PollResult | undefined {
  const { failing, minResponseTime } = parseObject(body) ?? {};
  if (typeof failing !== "boolean" || typeof minResponseTime !== "number" || !(minResponseTime >= 0)) return undefined;
  return { failing, minResponseMs: Math.min(minResponseTime, 1e6) };
}
