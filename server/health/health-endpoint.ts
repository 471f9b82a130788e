import type { HealthAnswer, PollResult } from "../meters/poll-report.ts";
import { Connection, type Failure, type Receiver } from "../sending/connection.ts";
import { endpointOf } from "../sending/endpoint.ts";
import type { Network } from "../system/network.ts";
import type { Time, Timer } from "../system/time.ts";
import { parseObject } from "../text/json-object.ts";

/** From the call to the last byte of its answer: the endpoint may hold an early call for a window or two. */
const CALL_TIMEOUT_MS = 11_000;
const ANSWER_BYTES_MAX = 4096;

/** A processor's health endpoint: one call at a time, each on a connection of its own. */
export class HealthEndpoint {
  readonly #host: string;
  readonly #port: number;
  readonly #request: string;
  readonly #network: Network;
  readonly #time: Time;
  readonly #timeoutMs: number;
  #connection: Connection | undefined;

  constructor(processorUrl: URL, network: Network, time: Time, timeoutMs = CALL_TIMEOUT_MS) {
    const { host, port, path, headers } = endpointOf(processorUrl);
    this.#host = host;
    this.#port = port;
    this.#request = `GET ${path}/service-health HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;
    this.#network = network;
    this.#time = time;
    this.#timeoutMs = timeoutMs;
  }

  /** What the processor says, or why it gives no usable answer in time, however it spends that. Never rejects. */
  ask(): Promise<HealthAnswer> {
    return new Promise((resolve) => {
      const connection = new Connection(this.#network, this.#host, this.#port, () => {}, ANSWER_BYTES_MAX);
      this.#connection = connection;
      const call = new Call(resolve, () => connection.close());
      call.timer = this.#time.after(this.#timeoutMs, () => {
        call.isLate = true;
        connection.timeOut();
      });
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
  timer: Timer | undefined;
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
    this.timer?.cancel();
    this.#close();
    this.#resolve(answer);
  }
}

function parseHealth(body: string): PollResult | undefined {
  const { failing, minResponseTime } = parseObject(body) ?? {};
  if (typeof failing !== "boolean" || typeof minResponseTime !== "number" || !(minResponseTime >= 0)) return undefined;
  return { failing, minResponseMs: Math.min(minResponseTime, 1e6) };
}
