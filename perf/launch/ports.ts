import { readFileSync } from "node:fs";
import { createServer } from "node:net";

export type PortWish = {
  /** Who wants it, for the error. */
  readonly name: string;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
};

/**
 * Below what the kernel hands out to outgoing connections: such a connection could take a port we have just found
 * free.
 */
const FREE_PORT_MIN = 10_240;
const PICK_TRIES_MAX = 100;

/** Every wish as a real port. All taken ones are told at once, and nothing is left listening. */
export async function settlePorts(wishes: readonly PortWish[]): Promise<number[]> {
  const problems: string[] = [];
  const named = new Set<number>();
  for (const wish of wishes) {
    if (wish.port === 0) continue;
    const problem = await whyNotFree(wish, named);
    if (problem !== null) problems.push(problem);
    named.add(wish.port);
  }
  if (problems.length > 0) throw new Error(problems.join("\n"));

  const settled: number[] = [];
  for (const { host, port } of wishes) {
    const settledPort = port === 0 ? await pickFreePort(host, named) : port;
    named.add(settledPort);
    settled.push(settledPort);
  }
  return settled;
}

/** Any free ones of 127.0.0.1, each a different one. */
export function freePorts(count: number): Promise<number[]> {
  return settlePorts(Array.from({ length: count }, (_, i) => ({ name: `${i}`, host: "127.0.0.1", port: 0 })));
}

async function pickFreePort(host: string, taken: ReadonlySet<number>): Promise<number> {
  const portMax = ephemeralPortMin() - 1;
  for (let tries = 0; tries < PICK_TRIES_MAX; tries++) {
    const port = FREE_PORT_MIN + Math.floor(Math.random() * (portMax - FREE_PORT_MIN));
    if (!taken.has(port) && (await bindError(host, port)) === null) return port;
  }
  throw new Error(`a free port must be found: host=${host} tries=${PICK_TRIES_MAX}`);
}

function ephemeralPortMin(): number {
  try {
    const first = Number.parseInt(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), 10);
    return first > FREE_PORT_MIN + PICK_TRIES_MAX ? first : 32_768;
  } catch {
    return 32_768;
  }
}

async function whyNotFree({ name, host, port }: PortWish, taken: ReadonlySet<number>): Promise<string | null> {
  if (taken.has(port)) return `port must be wanted once: port=${port} wantedBy=${name}`;
  const error = await bindError(host, port);
  if (error === null) return null;
  if (error.code === "EADDRINUSE") return `port already in use: port=${port} host=${host} wantedBy=${name}`;
  return `port must be bindable: port=${port} host=${host} wantedBy=${name} code=${error.code}`;
}

function bindError(host: string, port: number): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
