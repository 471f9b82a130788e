import { Agent, get } from "node:http";
import { endpointOf } from "../../../../server/sending/endpoint.ts";
import { PlainConnection } from "../../../../server/sending/plain-connection.ts";
import type { Network } from "../../../../server/system/network.ts";
import { processorAt } from "../../../support/targets.ts";

/** What a client made of an answer. */
export type Verdict = { status: number; body: string; keepsAlive: boolean } | "refused";

const KEPT_BYTES_MAX = 16_384;
/** For what comes after an answer, in case it is not there yet. */
const MORE_MS_MAX = 300;

/**
 * Asks over a connection as payments do. `hasMore`: bytes follow the answer, after which the connection is of no use.
 */
export function askWithOurs(port: number, path: string, network: Network, hasMore: boolean): Promise<Verdict> {
  return new Promise((resolve) => {
    let isIdle = false;
    const connection = new PlainConnection(endpointOf(processorAt(`http://127.0.0.1:${port}`)), network, () => {
      isIdle = true;
    });
    connection.send(
      { method: "GET", path, headers: [], body: "" },
      {
        answered: (status, body) =>
          setImmediate(async () => {
            const untilMs = performance.now() + MORE_MS_MAX;
            while (hasMore && !connection.isClosed && performance.now() < untilMs) await new Promise(setImmediate);
            resolve({ status, body, keepsAlive: isIdle && !connection.isClosed });
            connection.close();
          }),
        failed: () => resolve("refused"),
      },
    );
  });
}

/** Of a body, one character per byte, the text that we keep. */
export function keptText(body: string): string {
  return Buffer.from(body.slice(0, KEPT_BYTES_MAX), "latin1").toString("utf8");
}

/** Asks with an agent of its own, which keeps the connection if node is of the opinion that it may. */
export function askWithNode(port: number, path: string): Promise<Verdict> {
  return new Promise((resolve) => {
    const bytes: Buffer[] = [];
    const agent = new Agent({ keepAlive: true });
    let keepsAlive = false;
    agent.on("free", (socket) => {
      keepsAlive = Object.values(agent.freeSockets).some((sockets) => sockets!.includes(socket));
    });
    const end = (verdict: () => Verdict): void => {
      setImmediate(() => {
        resolve(verdict());
        agent.destroy();
      });
    };
    const request = get({ host: "127.0.0.1", port, path, agent }, (response) => {
      response.on("data", (piece: Buffer) => bytes.push(piece));
      response.on("end", () => {
        const body = keptText(Buffer.concat(bytes).toString("latin1"));
        end(() => (response.complete ? { status: response.statusCode!, body, keepsAlive } : "refused"));
      });
      response.on("error", () => end(() => "refused"));
    });
    request.on("upgrade", (_response, socket) => socket.destroy());
    request.on("error", () => end(() => "refused"));
    request.on("close", () => end(() => "refused"));
  });
}
