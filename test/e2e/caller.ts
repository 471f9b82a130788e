import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { apiDescription } from "../support/api-description.ts";

/** Where requests go: through the balancer, or around it to an instance's own socket. */
export type Target = { host: string; port: number } | { socketPath: string };

export type Answer = { status: number; headers: IncomingHttpHeaders; body: string };

export type Ask = {
  headers?: Record<string, string>;
  /** One piece is sent with its length, several are sent chunked. */
  body?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** Between the pieces. */
  pauseMs?: number;
};

/** No request of any test may take longer: that would be a hang. */
const TIMEOUT_MS = 20_000;
/** Below the instances' own limit for idle connections, so that none is used that is just being closed. */
const IDLE_TIMEOUT_MS = 4000;

/**
 * A client with kept-alive connections, at most `connections`; with 0 every request has a new one. Every answer is held
 * against docs/openapi.yaml, and one that is not as described fails the request; `api` says so where nothing describes
 * what is asked.
 */
export class Caller {
  readonly #api: "described" | "other";
  readonly #target: Target;
  readonly #agent: Agent;

  constructor(target: Target, connections = 32, api: "described" | "other" = "described") {
    this.#api = api;
    this.#target = target;
    this.#agent = new Agent({ keepAlive: connections > 0, maxSockets: connections || 1000, timeout: IDLE_TIMEOUT_MS });
  }

  async ask(method: string, path: string, asked: Ask = {}): Promise<Answer> {
    const answer = await this.#ask(method, path, asked);
    const faults = this.#api === "described" ? apiDescription().faultsOf(method, path, answer) : [];
    if (faults.length > 0) throw new Error(`answers must be as docs/openapi.yaml says:\n${faults.join("\n")}`);
    return answer;
  }

  #ask(method: string, path: string, { headers = {}, body = [], pauseMs = 0 }: Ask): Promise<Answer> {
    const isWhole = typeof body === "string" || body instanceof Uint8Array;
    // Node.js frames the body of some methods only when it is told to.
    const framing = isWhole
      ? { "content-length": String(Buffer.byteLength(body)) }
      : body.length > 0 && { "transfer-encoding": "chunked" };
    return new Promise((resolve, reject) => {
      const options = { ...this.#target, method, path, headers: { ...headers, ...framing }, agent: this.#agent };
      const outgoing = request(options, (incoming) => {
        let text = "";
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => {
          text += chunk;
        });
        incoming.on("error", fail);
        incoming.on("end", () => {
          clearTimeout(timer);
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text });
        });
      });
      const timer = setTimeout(
        () => outgoing.destroy(new Error(`an answer must come: method=${method} path=${path} timeoutMs=${TIMEOUT_MS}`)),
        TIMEOUT_MS,
      );
      function fail(error: Error): void {
        clearTimeout(timer);
        reject(error);
      }
      outgoing.on("error", fail);
      if (isWhole) outgoing.end(body);
      else void sendPieces(body, pauseMs);

      async function sendPieces(pieces: readonly (string | Uint8Array)[], ms: number): Promise<void> {
        for (const piece of pieces) {
          outgoing.write(piece);
          if (ms > 0) await sleep(ms);
        }
        outgoing.end();
      }
    });
  }

  get(path: string): Promise<Answer> {
    return this.ask("GET", path);
  }

  close(): void {
    this.#agent.destroy();
  }
}
