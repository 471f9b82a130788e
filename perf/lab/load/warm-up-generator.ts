import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { LoadGenerator } from "./load-generator.ts";
import { rampOfUsers } from "./user-schedule.ts";

/** Some 5000 payments within a second. */
const WARM_UP_LOAD = { userCount: 50, durationMs: 1000, sleepMs: 4 };
const TIMEOUT_MS = 1000;
const ANSWER = "HTTP/1.1 202 Accepted\r\nLocation: /payments/0\r\nContent-Length: 0\r\n\r\n";

/**
 * Pays a server of its own for a while, so that the generator's code is compiled before it measures: k6 is compiled
 * ahead, and the ramp's first payments are few enough that a slow hundred of them would be the p99 of the whole run.
 */
export async function warmUpGenerator(): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    // Requests come one at a time and in one piece.
    socket.on("data", () => socket.write(ANSWER));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const target = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  try {
    await new LoadGenerator({ target, schedule: rampOfUsers(WARM_UP_LOAD), timeoutMs: TIMEOUT_MS }).run();
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}
