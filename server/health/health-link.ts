import { chmodSync } from "node:fs";
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { LINK_ROOT, OTHER_PROTOCOL } from "../link/peer-answers.ts";
import type { Address } from "../system/address.ts";
import { removeLeftSocket } from "../system/left-socket.ts";
import type { NameLookup } from "../system/name-lookup.ts";
import { problemBody } from "../text/problem.ts";
import { CLAIM_ANSWER_MS } from "./poll-rights.ts";

/**
 * How the health monitors of the instances talk: small messages over HTTP, from worker thread to worker thread, so that
 * a busy event loop delays neither a claim nor its answer.
 *
 *   POST /2/claim/<name>/<from>/<fresh 0|1>     204 consent, 409 refusal
 *   POST /2/release/<name>/<from>/0             204
 *   POST /2/polled/<name>/<failing 0|1>/<ms>    204
 *
 * Where two speak different versions of the link's protocol, neither has the other's consent, and neither polls.
 *
 * A processor goes by its name: while instances are restarted one by one, another one may have other processors, or the
 * same in another order. Whoever does not have a processor does not poll it either, so it consents.
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

/** After the protocol's version. */
const PATH = /^\/(claim|release|polled)\/([\w.-]{1,24})\/(\d{1,3})\/(\d{1,9})$/;

/** A message is one packet: who takes longer is none of us, and must not keep a connection from those who are. */
const MESSAGE_TIMEOUT_MS = 1000;

/** Of a unix socket: the instances run as one user. */
const SOCKET_MODE = 0o700;

export class HealthLinkServer {
  readonly #server: Server;
  readonly #handlers: HealthLinkHandlers;
  readonly #processors: readonly string[];

  /** `processors`: their names. At most `connectionsMax` at a time; one more is closed. */
  constructor(handlers: HealthLinkHandlers, processors: readonly string[], connectionsMax: number) {
    this.#handlers = handlers;
    this.#processors = processors;
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
        const { path } = address;
        this.#server.listen(path, () => {
          // As uWebSockets does with its own.
          chmodSync(path, SOCKET_MODE);
          resolve();
        });
      }
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer(req: IncomingMessage, res: ServerResponse): void {
    req.resume();
    const url = req.url ?? "";
    if (!url.startsWith(`${LINK_ROOT}/`)) {
      const head = { "content-type": "application/problem+json" };
      res.writeHead(OTHER_PROTOCOL.status, head).end(problemBody(OTHER_PROTOCOL));
      return;
    }
    // A page in a browser can send a GET without being asked for its origin, and nothing else.
    if (req.method !== "POST" || req.headers.origin !== undefined) {
      res.writeHead(403).end();
      return;
    }
    const match = PATH.exec(url.slice(LINK_ROOT.length));
    const isConsent = match !== null && this.#handle(match[1]!, match[2]!, Number(match[3]), Number(match[4]));
    res.writeHead(match === null ? 404 : isConsent ? 204 : 409).end();
  }

  #handle(what: string, name: string, first: number, second: number): boolean {
    const processor = this.#processors.indexOf(name);
    if (processor < 0) return true;
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
  readonly #processors: readonly string[];

  /** `processors`: their names. */
  constructor(address: Address, processors: readonly string[], { lookup }: NameLookup) {
    this.#processors = processors;
    this.#agent = new Agent({ keepAlive: false, lookup });
    this.#target = address.kind === "unix" ? { socketPath: address.path } : { host: address.host, port: address.port };
  }

  async claim(processor: number, self: number, isFresh: boolean): Promise<ClaimAnswer> {
    const answer = await this.#post(`/claim/${this.#processors[processor]}/${self}/${isFresh ? 1 : 0}`);
    if (typeof answer === "string") return answer;
    return answer === 204 ? "consent" : "refusal";
  }

  async release(processor: number, self: number): Promise<void> {
    await this.#post(`/release/${this.#processors[processor]}/${self}/0`);
  }

  async polled(processor: number, failing: boolean, minResponseMs: number): Promise<void> {
    await this.#post(`/polled/${this.#processors[processor]}/${failing ? 1 : 0}/${minResponseMs}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  /** The status, or "gone" when nobody listens there, or "silence" when somebody may. */
  #post(path: string): Promise<number | "gone" | "silence"> {
    return new Promise((resolve) => {
      const options = { method: "POST", path: LINK_ROOT + path, agent: this.#agent, timeout: CLAIM_ANSWER_MS };
      const req = request({ ...this.#target, ...options });
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
