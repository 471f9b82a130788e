import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A service that somebody else has started: it accepts everything and charges nobody. */
export type OtherEntry = {
  readonly url: string;
  readonly paymentCount: number;
  close(): void;
};

export async function startOtherEntry(): Promise<OtherEntry> {
  let paymentCount = 0;
  const server = createServer((request, response) => {
    paymentCount++;
    request.resume();
    response.writeHead(202).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get paymentCount() {
      return paymentCount;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
