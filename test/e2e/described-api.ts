import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RunningProcessor, startProcessor } from "../../perf/processor/processor.ts";
import { apiDescription } from "../support/api-description.ts";
import { type Answer, type Ask, Caller, type Target } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { type Balancer, startBalancer } from "./nginx-harness.ts";

const HELD_DISK = fileURLToPath(new URL("./held-disk.js", import.meta.url));

/** Long enough for what is done to a disk meanwhile. */
const SLOW_MS = 1000;

/** Remembers which answers of the description it has seen. The caller holds each against the description. */
export class WitnessingCaller {
  readonly seen: Set<string>;
  readonly target: Target;
  readonly #caller: Caller;

  constructor(target: Target, seen: Set<string>) {
    this.target = target;
    this.seen = seen;
    this.#caller = new Caller(target);
  }

  async ask(method: string, path: string, asked: Ask = {}): Promise<Answer> {
    const answer = await this.#caller.ask(method, path, asked);
    this.#note(method, path, answer.status);
    return answer;
  }

  /** A WebSocket's handshake; the connection is broken once it is answered. */
  async openLive(headers: Record<string, string> = {}): Promise<number> {
    const handshake = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const answer = await new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((done, fail) => {
      const outgoing = request({ ...this.target, path: "/live", headers: { ...handshake, ...headers }, agent: false });
      outgoing.on("upgrade", (incoming, socket) => {
        socket.destroy();
        done({ status: 101, headers: incoming.headers, body: "" });
      });
      outgoing.on("response", (incoming) => {
        let body = "";
        incoming.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        incoming.on("end", () => done({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }));
      });
      outgoing.on("error", fail);
      outgoing.end();
    });
    const faults = apiDescription().faultsOf("GET", "/live", answer);
    if (faults.length > 0) throw new Error(faults.join("\n"));
    this.#note("GET", "/live", answer.status);
    return answer.status;
  }

  close(): void {
    this.#caller.close();
  }

  #note(method: string, path: string, status: number): void {
    const template = apiDescription().templateOf(path);
    this.seen.add(`${method} ${template} ${apiDescription().keyOf(method, path, status)}`);
  }
}

/**
 * Instances in all the conditions that the description knows answers of:
 *
 *   well       everything is allowed; its default processor can be made to do anything, its fallback is nowhere
 *   small      room for one payment, its processor takes a second, and its disk is full while the file `full` is there
 *   half       the other instance, which carries the rest, has never been there
 *   balancer   nginx with no instance behind it
 */
export class DescribedApi {
  readonly seen = new Set<string>();
  readonly processor: RunningProcessor;
  readonly full: string;
  readonly well: WitnessingCaller;
  readonly small: WitnessingCaller;
  readonly half: WitnessingCaller;
  readonly balancer: WitnessingCaller;
  readonly #folder: string;
  readonly #slow: RunningProcessor;
  readonly #children: readonly ChildProcess[];
  readonly #nginx: Balancer;

  private constructor(
    folder: string,
    processor: RunningProcessor,
    slow: RunningProcessor,
    started: readonly { child: ChildProcess; socketPath: string }[],
    nginx: Balancer,
  ) {
    this.#folder = folder;
    this.processor = processor;
    this.#slow = slow;
    this.full = join(folder, "full");
    this.#children = started.map(({ child }) => child);
    this.#nginx = nginx;
    const [well, small, half] = started.map(({ socketPath }) => new WitnessingCaller({ socketPath }, this.seen));
    this.well = well!;
    this.small = small!;
    this.half = half!;
    this.balancer = new WitnessingCaller({ host: "127.0.0.1", port: nginx.port }, this.seen);
  }

  static async start(): Promise<DescribedApi> {
    const folder = mkdtempSync(join(tmpdir(), "rinha-described-"));
    const processor = await startProcessor({ fee: 0.05 });
    const slow = await startProcessor({ fee: 0.05 });
    slow.settings.delayMs = SLOW_MS;
    const links = ["a", "b"].map((name) => `unix:${join(folder, `${name}.link`)}`).join(",");
    const settings: readonly Record<string, string>[] = [
      { PURGE_ENABLED: "true", PROCESSOR_ADMIN_TOKEN: "123", DEFAULT_PROCESSOR_URL: processor.url },
      {
        CAPACITY: "1",
        PARTITIONS: "1",
        DEFAULT_PROCESSOR_URL: slow.url,
        NODE_OPTIONS: `--import ${HELD_DISK}`,
        HELD_DISK_FULL: join(folder, "full"),
      },
      { PURGE_ENABLED: "true", DURABILITY: "none", LINKS: links, INSTANCE: "1" },
    ];
    const started = await Promise.all(
      settings.map((env, i) => {
        const own = join(folder, String(i));
        mkdirSync(own);
        return startLoneInstance(own, "ignore", { LOG_LEVEL: "silent", ...env });
      }),
    );
    return new DescribedApi(folder, processor, slow, started, await startBalancer());
  }

  async stop(): Promise<void> {
    for (const caller of [this.well, this.small, this.half, this.balancer]) caller.close();
    for (const child of this.#children) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
    await this.#nginx.stop();
    this.processor.close();
    this.#slow.close();
    rmSync(this.#folder, { recursive: true });
  }
}
