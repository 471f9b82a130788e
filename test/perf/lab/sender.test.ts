import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Sender } from "../../../perf/lab/floor/sender.ts";
import { until } from "../../support/processes.ts";

/** Takes what a processor takes. */
type Charge = { readonly correlationId: string; readonly amount: number; readonly requestedAt: string };

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += chunk;
  return body;
}

describe("sender of the fairer floor", () => {
  let folder: string;
  let floors: Server[];
  let acceptedCounts: number[];
  let processor: Server;
  let charges: Charge[];
  let sender: Sender | undefined;

  /** The processor, and two floors: one behind a unix socket, one behind a port. */
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-sender-"));
    acceptedCounts = [0, 0];
    charges = [];
    floors = acceptedCounts.map((_, i) =>
      createServer((request, response) => {
        expect(request.url).to.equal("/accepted");
        response.end(`${acceptedCounts[i]}`);
      }),
    );
    processor = createServer((request, response) => {
      void bodyOf(request).then((body) => {
        charges.push(JSON.parse(body) as Charge);
        response.end("{}");
      });
    });
    floors[0]!.listen(join(folder, "floor.sock"));
    floors[1]!.listen(0, "127.0.0.1");
    processor.listen(0, "127.0.0.1");
    await Promise.all([...floors, processor].map((server) => once(server, "listening")));
    const portOf = (server: Server): number => (server.address() as AddressInfo).port;
    const sources = [`unix:${join(folder, "floor.sock")}`, `http://127.0.0.1:${portOf(floors[1]!)}`];
    sender = new Sender(new URL(`http://127.0.0.1:${portOf(processor)}`), sources);
  });

  afterEach(async () => {
    await sender?.close();
    for (const server of [...floors, processor]) {
      server.close();
      server.closeAllConnections();
    }
    rmSync(folder, { recursive: true });
  });

  it("sends exactly as many payments as all floors accept, each a new one", async () => {
    acceptedCounts = [30, 0];
    await until(() => charges.length === 30);
    acceptedCounts = [31, 70];
    await until(() => charges.length === 101);
    await sleep(300);
    expect(charges).to.have.length(101);
    expect(new Set(charges.map(({ correlationId }) => correlationId)).size).to.equal(101);
    expect(charges[0]).to.include({ amount: 19.9 });
    expect(Math.abs(Date.now() - Date.parse(charges.at(-1)!.requestedAt))).to.be.below(30_000);
  });

  it("goes on counting where a floor has started anew", async () => {
    acceptedCounts = [20, 0];
    await until(() => charges.length === 20);
    acceptedCounts = [5, 0];
    await sleep(300);
    expect(charges).to.have.length(20);
    acceptedCounts = [9, 0];
    await until(() => charges.length === 24);
  });
});
