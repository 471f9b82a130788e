import { Pool } from "undici";

export type HttpCall = {
  readonly method: "GET" | "POST" | "PUT";
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
};

export type HttpAnswer = {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

/** Rejects when there is no answer at all; every status is an answer. */
export type Ask = (call: HttpCall) => Promise<HttpAnswer>;

/** An answer that is not what was asked for. */
export class RefusalError extends Error {
  override readonly name = "RefusalError";
  readonly status: number;

  constructor(what: string, { status, body }: HttpAnswer) {
    super(`${what} must be answered: status=${status} body=${body.slice(0, 200)}`);
    this.status = status;
  }
}

export function refusal(what: string, answer: HttpAnswer): RefusalError {
  return new RefusalError(what, answer);
}

/** Calls to one server over kept-alive connections. */
export class HttpCaller {
  readonly #base: URL;
  readonly #pool: Pool;

  constructor(base: URL, connectionCount: number, timeoutMs: number) {
    this.#base = base;
    this.#pool = new Pool(base.origin, {
      connections: connectionCount,
      connect: { timeout: timeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
  }

  readonly ask: Ask = async ({ method, path, headers, body }) => {
    try {
      const answer = await this.#pool.request({
        method,
        path: pathUnder(this.#base, path),
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        body: body ?? null,
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, headers: flatten(answer.headers), body: text };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`server must answer: url=${this.#base.origin} reason=${reason} (start it, or say where it is)`);
    }
  };

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** The base may have a path of its own, where a server sits behind a prefix. */
export function pathUnder(base: URL, path: string): string {
  return `${base.pathname.replace(/\/$/, "")}${path}`;
}

function flatten(headers: Record<string, string | string[] | undefined>): Map<string, string> {
  return new Map(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
