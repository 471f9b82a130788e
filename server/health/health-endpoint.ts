import type { HealthAnswer, PollResult } from "../meters/poll-report.ts";
import type { Connection, Failure, Receiver } from "../sending/connection.ts";
import { Connections, type Surroundings } from "../sending/connections.ts";
import type { Target } from "../sending/endpoint.ts";
import type { Time, Timer } from "../system/time.ts";
import { parseObject } from "../text/json-object.ts";

/** From the call to the last byte of its answer: the endpoint may hold an early call for a window or two. */
const CALL_TIMEOUT_MS = 11_000;
const ANSWER_BYTES_MAX = 4096;

/** A processor's health endpoint: one call at a time, each on a connection of its own. */
export class HealthEndpoint {
  readonly #connections: Connections;
  readonly #time: Time;
  readonly #timeoutMs: number;
  #connection: Connection | undefined;

  constructor(target: Target, surroundings: Surroundings, timeoutMs: number = CALL_TIMEOUT_MS) {
    this.#connections = new Connections(target, surroundings, { bodyBytesMax: ANSWER_BYTES_MAX });
    this.#time = surroundings.time;
    this.#timeoutMs = timeoutMs;
  }

  /** What the processor says, or why it gives no usable answer in time, however it spends that. Never rejects. */
  ask(): Promise<HealthAnswer> {
    return new Promise((resolve) => {
      const connection = this.#connections.takeNew();
      this.#connection = connection;
      const call = new Call(resolve, () => connection.close());
      call.timer = this.#time.after(this.#timeoutMs, () => {
        call.isLate = true;
        connection.timeOut();
      });
      const path = `${this.#connections.endpoint.path}/service-health`;
      connection.send({ method: "GET", path, headers: ["Connection", "close"], body: "" }, call);
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
