import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { INSTANCE_NODE_FLAGS } from "../../launch/plans.ts";
import type { TransportOptions } from "./command-line.ts";
import type { SenderOrder, Way } from "./ways.ts";

const SERVER_MAIN = fileURLToPath(new URL("./server-main.js", import.meta.url));
const SENDER_MAIN = fileURLToPath(new URL("./sender-main.js", import.meta.url));

/** A server that charges every payment, and the processes that send them. */
export class TransportBench {
  readonly #server: ChildProcess;
  readonly #folder: string;
  readonly #ca: string;
  readonly #ports: readonly [plain: number, tls: number];

  private constructor(server: ChildProcess, folder: string, ca: string, ports: readonly [number, number]) {
    this.#server = server;
    this.#folder = folder;
    this.#ca = ca;
    this.#ports = ports;
  }

  /** With a certificate made for it by the openssl command. */
  static async start(): Promise<TransportBench> {
    const folder = mkdtempSync(join(tmpdir(), "rinha-transport-"));
    const [certPath, keyPath] = [join(folder, "server.crt"), join(folder, "server.key")];
    try {
      makeCertificate(certPath, keyPath);
      const server = spawn(process.execPath, [SERVER_MAIN, certPath, keyPath], { stdio: ["pipe", "pipe", "inherit"] });
      const [line] = (await once(createInterface(server.stdout!), "line")) as [string];
      return new TransportBench(server, folder, readFileSync(certPath, "utf8"), JSON.parse(line));
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** CPU time of the sender for each request, user and system, in microseconds. */
  async cpuUs(way: Way, { requests, connections }: TransportOptions, signal: AbortSignal): Promise<number> {
    const isSecure = way === "undici, TLS";
    const url = `${isSecure ? "https" : "http"}://127.0.0.1:${this.#ports[isSecure ? 1 : 0]}/payments`;
    const order: SenderOrder = { way, url, ca: this.#ca, requests, connections };
    const args = [...INSTANCE_NODE_FLAGS, SENDER_MAIN, JSON.stringify(order)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { signal });
    return Number(stdout);
  }

  async stop(): Promise<void> {
    const exited = once(this.#server, "exit");
    this.#server.stdin!.end();
    await exited;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** One that is its own authority. */
function makeCertificate(certPath: string, keyPath: string): void {
  const options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const args = ["req", "-x509", ...options, ...names, "-keyout", keyPath, "-out", certPath];
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
