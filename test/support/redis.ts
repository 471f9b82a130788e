import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const NAMES = ["redis-server", "valkey-server"];
const START_TIMEOUT_MS = 10_000;

/** `undefined` where there is none: then tests that need it are skipped. */
export function findRedis(): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"];
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find((file) => existsSync(file));
}

/** A Redis on a free port of this machine that keeps nothing on disk. It ends with this process at the latest. */
export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "rinha-redis-"));
  readonly #settings: readonly string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, settings: readonly string[]) {
    this.port = port;
    this.#settings = settings;
  }

  /** `settings` as on its command line. */
  static async start(...settings: readonly string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    const child = spawn(findRedis()!, [...own, ...this.#settings], { stdio: "ignore", cwd: this.#folder });
    this.#process = child;
    process.once("exit", this.#killNow);
    const untilMs = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#answers())) {
      if (performance.now() > untilMs || child.exitCode !== null)
        throw new Error(`Redis must start: port=${this.port}`);
      await sleep(20);
    }
  }

  /** `kill -9`: with all that it knew. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    process.removeListener("exit", this.#killNow);
    if (child?.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** SIGSTOP: connections stay, nobody answers. */
  stop(): void {
    this.#process!.kill("SIGSTOP");
  }

  goOn(): void {
    this.#process!.kill("SIGCONT");
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #killNow = (): void => void this.#process?.kill("SIGKILL");

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
