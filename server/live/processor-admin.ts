import { Pool } from "../system/undici.ts";
import { basicAuthorization } from "../text/url-credentials.ts";

const TIMEOUT_MS = 2000;

/** How a simulated processor shall behave; what is left out stays as it is. */
export type ProcessorWish = { delayMs?: number; failing?: boolean };

/** The admin endpoints of the simulated processors. */
export class ProcessorAdmin {
  readonly #token: string;
  readonly #processors: readonly { name: string; pool: Pool; basePath: string; authorization: string | undefined }[];

  constructor(processors: readonly { name: string; url: URL }[], token: string) {
    this.#token = token;
    this.#processors = processors.map(({ name, url }) => ({
      name,
      pool: new Pool(url.origin, {
        connections: 1,
        connect: { timeout: TIMEOUT_MS },
        headersTimeout: TIMEOUT_MS,
        bodyTimeout: TIMEOUT_MS,
      }),
      basePath: `${url.pathname.replace(/\/$/, "")}/admin/configurations`,
      authorization: basicAuthorization(url),
    }));
  }

  /** Number of the processor with this name, −1 if there is none. */
  numberOf(name: string): number {
    return this.#processors.findIndex((processor) => processor.name === name);
  }

  /** Resolves to what went wrong, or undefined; never rejects. */
  async configure(processor: number, wish: ProcessorWish): Promise<string | undefined> {
    const { delayMs, failing } = wish;
    const problem = delayMs === undefined ? undefined : await this.#put(processor, "delay", { delay: delayMs });
    if (problem !== undefined || failing === undefined) return problem;
    return this.#put(processor, "failure", { failure: failing });
  }

  async close(): Promise<void> {
    await Promise.all(this.#processors.map(({ pool }) => pool.destroy()));
  }

  async #put(processor: number, name: string, body: object): Promise<string | undefined> {
    const { pool, basePath, authorization } = this.#processors[processor]!;
    try {
      const { statusCode, body: answer } = await pool.request({
        method: "PUT",
        path: `${basePath}/${name}`,
        headers: {
          "content-type": "application/json",
          "x-rinha-token": this.#token,
          ...(authorization && { authorization }),
        },
        body: JSON.stringify(body),
      });
      await answer.dump();
      return statusCode < 300 ? undefined : `the processor did not take it: status=${statusCode}`;
    } catch (error) {
      return `the processor does not answer: ${(error as Error).message}`;
    }
  }
}
