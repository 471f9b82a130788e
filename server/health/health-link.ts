import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { Address } from "../system/address.ts";
import { removeLeftSocket } from "../system/left-socket.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import { CLAIM_ANSWER_MS } from "./poll-rights.ts";

/**
 * How the health monitors of the instances talk: small messages over HTTP, from worker thread to worker thread, so that
 * a busy event loop delays neither a claim nor its answer.
 *
 *   POST /claim/<processor>/<from>/<fresh 0|1>     204 consent, 409 refusal
 *   POST /release/<processor>/<from>/0             204
 *   POST /polled/<processor>/<failing 0|1>/<ms>    204
 */
export type HealthLinkHandlers = {
  claim(processor: number, from: number, fromIsFresh: boolean): boolean;
  released(processor: number, from: number): void;
  polled(processor: number, failing: boolean, minResponseMs: number): void;
};

export type ClaimAnswer = "consent" | "refusal" | "gone" | "silence";

/** The way to one other instance's health monitor. Never rejects. */
export interface HealthLink {
  /** Asks for the consent to a poll by instance `self`. */
  claim(processor: number, self: number, isFresh: boolean): Promise<ClaimAnswer>;
  /** The claim is dropped. */
  release(processor: number, self: number): Promise<void>;
  /** What a poll was answered just now. */
  polled(processor: number, failing: boolean, minResponseMs: number): Promise<void>;
}

const PATH = /^\/(claim|release|polled)\/([01])\/(\d{1,3})\/(\d{1,9})$/;

/** A message is one packet: who takes longer is none of us, and must not keep a connection from those who are. */
const MESSAGE_TIMEOUT_MS = 1000;

export class HealthLinkServer {
  readonly #server: Server;
  readonly #handlers: HealthLinkHandlers;

  /** At most `connectionsMax` at a time; one more is closed. */
  constructor(handlers: HealthLinkHandlers, connectionsMax: number) {
    this.#handlers = handlers;
    const timeouts = {
      headersTimeout: MESSAGE_TIMEOUT_MS,
      requestTimeout: MESSAGE_TIMEOUT_MS,
      connectionsCheckingInterval: MESSAGE_TIMEOUT_MS,
    };
    this.#server = createServer(timeouts, (req, res) => this.#answer(req, res));
    this.#server.maxConnections = connectionsMax;
  }

  listen(address: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      if (address.kind === "tcp") this.#server.listen(address.port, address.host, resolve);
      else {
        removeLeftSocket(address.path);
        this.#server.listen(address.path, resolve);
      }
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    req.resume();
    const match = PATH.exec(req.url ?? "");
    const isConsent = match !== null && this.#handle(match[1]!, Number(match[2]), Number(match[3]), Number(match[4]));
    res.writeHead(match === null ? 404 : isConsent ? 204 : 409).end();
  }

  #handle(what: string, processor: number, first: number, second: number): boolean {
    if (what === "claim") return this.#handlers.claim(processor, first, second === 1);
    if (what === "release") this.#handlers.released(processor, first);
    else this.#handlers.polled(processor, first === 1, second);
    return true;
  }
}

/** The same over HTTP. */
export class HealthLinkClient implements HealthLink {
  readonly #target: { socketPath: string } | { host: string; port: number };
  readonly #agent: Agent;

  constructor(address: Address, { lookup }: NameLookup) {
    this.#agent = new Agent({ keepAlive: false, lookup });
    this.#target = address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };
  }

  async claim(processor: number, self: number, isFresh: boolean): Promise<ClaimAnswer> {
    const answer = await this.#post(`/claim/${processor}/${self}/${isFresh ? 1 : 0}`);
    if (typeof answer === "string") return answer;
    return answer === 204 ? "consent" : "refusal";
  }

  async release(processor: number, self: number): Promise<void> {
    await this.#post(`/release/${processor}/${self}/0`);
  }

  async polled(processor: number, failing: boolean, minResponseMs: number): Promise<void> {
    await this.#post(`/polled/${processor}/${failing ? 1 : 0}/${minResponseMs}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  /** The status, or "gone" when nobody listens there, or "silence" when somebody may. */
  #post(path: string): Promise<number | "gone" | "silence"> {
    return new Promise((resolve) => {
      const req = request({ ...this.#target, method: "POST", path, agent: this.#agent, timeout: CLAIM_ANSWER_MS });
      req.on("response", (res) => {
        res.resume();
        resolve(res.statusCode ?? 0);
      });
      req.on("timeout", () => req.destroy());
      req.on("error", (error: NodeJS.ErrnoException) => {
        resolve(error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "gone" : "silence");
      });
      req.end();
    });
  }
}
