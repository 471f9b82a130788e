import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createPlainServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { PROCESSED } from "./ways.ts";

/**
 * Charges every payment, by http and https; prints the ports. To be run as
 * `node build/perf/lab/transport/server-main.js CERT KEY`.
 */
const [, , certPath, keyPath] = process.argv;
const answer: RequestListener = (request, response) => {
  request.resume();
  request.once("end", () => response.setHeader("Content-Type", "application/json").end(PROCESSED));
};
const credentials = { cert: readFileSync(certPath!), key: readFileSync(keyPath!) };

async function portOf(server: Server): Promise<number> {
  server.keepAliveTimeout = 0;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const ports = [await portOf(createPlainServer(answer)), await portOf(createTlsServer(credentials, answer))];
process.stdout.write(`${JSON.stringify(ports)}\n`);
// Whoever started this has ended.
process.stdin.resume().once("end", () => process.exit());
