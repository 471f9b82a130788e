import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type RequestListener, request, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";

const START_TIMEOUT_MS = 5_000;
const POLL_INTERVAL_MS = 5;
const { PATH } = process.env;

const INSTANCE_COUNT = 2;

/** Any correlationId but for its last two hex digits. */
const ID_HEAD = "0b4eaf30-9e5e-4e0c-8b6a-3d1c5f7a90";

/** All values of the last two hex digits of a correlationId. */
export const allPairs: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** What every instance computes too: nginx's hash of the lower-cased pair, over the instances in their order. */
export function ownerOf(pair: string): number {
  return ((crc32(pair.toLowerCase()) >>> 16) & 0x7fff) % INSTANCE_COUNT;
}

/** The body of a payment whose first choice is the instance with this index. */
export function paymentOf(index: number): string {
  const pair = allPairs.find((one) => ownerOf(one) === index);
  return `{"correlationId":"${ID_HEAD}${pair}","amount":1}`;
}

export interface Balancer {
  readonly port: number;
  /** The working directory: the instances' sockets are looked for here. */
  readonly runDirectory: string;
  /** What it has written to its standard error. */
  log(): string;
  stop(): Promise<void>;
}

/** Instead of those in nginx.conf. */
export type Bounds = {
  /** Under way at once. */
  readonly paymentsMax?: number;
  /** In a row; after them one a second. */
  readonly burst?: number;
};

/** The repository's own nginx.conf on a free port, in a directory of its own. */
export async function startBalancer(bounds: Bounds = {}): Promise<Balancer> {
  const runDirectory = await mkdtemp(join(tmpdir(), "rinha-nginx-"));
  const port = await freePort();
  const config = join(runDirectory, "nginx.conf");
  const own = await readFile(resolve("nginx.conf"), "utf8");
  await writeFile(config, withPort(withBounds(bounds, own), port));
  const nginx = spawn("nginx", ["-c", config, "-p", runDirectory, "-e", "stderr", "-g", globalDirectives()], {
    cwd: runDirectory,
    // Debian keeps nginx where an ordinary user's PATH does not look.
    env: { PATH: `${PATH}:/usr/sbin:/usr/local/sbin` },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  nginx.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString();
  });
  const gone = once(nginx, "close");
  const ended = (): boolean => nginx.exitCode !== null || nginx.signalCode !== null;
  await until("nginx listens", async () => {
    if (ended()) throw new Error(`nginx does not start: log=${log}`);
    return accepts(port);
  });
  return {
    port,
    runDirectory,
    log: () => log,
    async stop() {
      if (!ended()) nginx.kill("SIGTERM");
      await gone;
      await rm(runDirectory, { recursive: true });
    },
  };
}

/** The worker of a root master would become somebody who may not enter the run directory. */
function globalDirectives(): string {
  const user = process.getuid?.() === 0 ? " user root;" : "";
  return `daemon off; pid nginx.pid;${user}`;
}

function withBounds({ paymentsMax, burst }: Bounds, config: string): string {
  let bounded = config;
  const change = (line: RegExp, instead: string): void => {
    if (!line.test(bounded)) throw new Error(`nginx.conf must bound payments: line=${line.source}`);
    bounded = bounded.replace(line, instead);
  };
  if (paymentsMax !== undefined) change(/\blimit_conn payments \d+;/, `limit_conn payments ${paymentsMax};`);
  if (burst !== undefined) {
    change(/\bzone=payment_rate:32k rate=\d+r\/s;/, "zone=payment_rate:32k rate=1r/s;");
    // The first is beside the burst.
    change(/\bburst=\d+ nodelay;/, `burst=${burst - 1} nodelay;`);
  }
  return bounded;
}

function withPort(config: string, port: number): string {
  const parts = config.split(/\blisten 9999\b/);
  if (parts.length !== 2) throw new Error(`nginx.conf must listen on 9999 once: count=${parts.length - 1}`);
  return parts.join(`listen 127.0.0.1:${port}`);
}

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type BalancedBackends = {
  readonly balancer: Balancer;
  readonly backends: readonly Backend[];
  stop(): Promise<void>;
};

/** The balancer with a backend in the place of each instance. */
export async function startBalancedBackends(bounds?: Bounds): Promise<BalancedBackends> {
  const balancer = await startBalancer(bounds);
  const backends = Array.from({ length: INSTANCE_COUNT }, (_, i) => new Backend(balancer.runDirectory, i));
  await Promise.all(backends.map((backend) => backend.start()));
  const stop = async (): Promise<void> => {
    await Promise.all(backends.map((backend) => backend.stop()));
    await balancer.stop();
  };
  return { balancer, backends, stop };
}

/** What a backend does with a request once it has read it. */
export type Manner = "answers" | "is silent" | "breaks off" | { readonly status: number; readonly problem: string };

/** An instance as nginx sees one: a socket that answers, and remembers what it was asked. */
export class Backend {
  readonly received: Received[] = [];
  manner: Manner = "answers";
  connectionCount = 0;
  #server: Server | undefined;
  readonly #socketPath: string;
  readonly #name: string;

  constructor(runDirectory: string, index: number) {
    this.#name = `instance-${index + 1}`;
    this.#socketPath = socketOf(runDirectory, index);
  }

  async start(): Promise<void> {
    // Never closes an idle connection: that the balancer does so first is what its configuration promises.
    this.#server = createServer({ keepAliveTimeout: 0 }, this.#answer);
    this.#server.on("connection", () => {
      this.connectionCount++;
    });
    await once(this.#server.listen(this.#socketPath), "listening");
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }

  /** The path's last part may be a status to answer with; everything else is 202, as for a payment. */
  #answer: RequestListener = (incoming, outgoing) => {
    let body = "";
    incoming.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    incoming.on("end", () => {
      const { method = "", url = "", headers } = incoming;
      this.received.push({ method, url, headers, body });
      if (this.manner === "is silent") return;
      if (this.manner === "breaks off") {
        incoming.socket.destroy();
        return;
      }
      if (typeof this.manner === "object") {
        const { status, problem } = this.manner;
        const type = { "content-type": "application/problem+json", "content-length": problem.length };
        outgoing.writeHead(status, { ...type, "retry-after": "7" });
        outgoing.end(problem);
        return;
      }
      const status = Number(/\/(\d{3})$/.exec(url)?.[1] ?? 202);
      outgoing.writeHead(status, { "content-type": "text/plain", "x-instance": this.#name });
      outgoing.end(status === 204 ? undefined : `${this.#name} ${body.length}`);
    });
  };
}

/** A backend in a process of its own, so that it can be killed as an instance would be. */
export async function spawnBackend(
  runDirectory: string,
  index: number,
  manner: "answers" | "never answers" = "answers",
): Promise<ChildProcess> {
  const path = socketOf(runDirectory, index);
  const answer = manner === "answers" ? "response.writeHead(202).end()" : "undefined";
  const code = `require("node:fs").rmSync(process.argv[1], { force: true });
    require("node:http").createServer((_, response) => ${answer})
      .listen(process.argv[1], () => process.send("listening"));`;
  const child = spawn(process.execPath, ["-e", code, path], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  await once(child, "message");
  return child;
}

export async function killBackend(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGKILL");
  await exited;
}

function socketOf(runDirectory: string, index: number): string {
  return join(runDirectory, `instance-${index + 1}.sock`);
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** Several parts are sent chunked, one part with its length. */
  readonly body?: string | readonly string[];
}

export function ask(port: number, path: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Answer> {
  return new Promise((done, fail) => {
    const outgoing = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (incoming) => {
      let text = "";
      incoming.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      incoming.on("end", () => done({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: text }));
    });
    outgoing.on("error", fail);
    if (typeof body === "string") outgoing.end(body);
    else {
      for (const part of body ?? []) outgoing.write(part);
      outgoing.end();
    }
  });
}

/**
 * Sends bytes as they are and returns all that comes back until the balancer closes, or `complete` says it is enough.
 */
export function askRaw(
  port: number,
  bytes: string,
  complete: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((done, fail) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (complete(text)) socket.destroy();
    });
    socket.on("error", fail);
    socket.on("close", () => done(text));
  });
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + START_TIMEOUT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`not in time: ${what}`);
    await sleep(POLL_INTERVAL_MS);
  }
}
