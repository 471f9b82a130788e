import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Authority } from "../support/certificates.ts";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, payMany, untilState, viewOf } from "./payments.ts";
import { until } from "./until.ts";

const SECRET = "s3cr3t-of-the-acquirer";
const PROCESSED = '{"message":"payment processed successfully"}';

describe("a processor behind TLS that wants a key and a client certificate", () => {
  it("is paid, asked about doubts and polled with them, and nobody else hears of the key", async () => {
    const directory = mkdtempSync(join(tmpdir(), "rinha-tls-"));
    const authority = new Authority();
    const { key, cert } = authority.issue("client.test");
    for (const [name, text] of Object.entries({ "ca.pem": authority.cert, "client.pem": cert, "client.key": key }))
      writeFileSync(join(directory, name), text);
    const received: string[] = [];
    const charges = new Map<string, string>();
    const trust = { requestCert: true, rejectUnauthorized: true };
    const server = createServer({ ...authority.issue("localhost"), ...trust }, async (req, res) => {
      let body = "";
      for await (const piece of req) body += String(piece);
      const { method, url = "", headers } = req;
      received.push(`${method} ${url.replace(/[0-9a-f-]{36}/, "ID")} ${headers["x-api-key"]}`);
      if (url.endsWith("/service-health")) return res.end('{"failing":false,"minResponseTime":3}');
      if (method === "GET") {
        const charge = charges.get(url.split("/").at(-1)!);
        return res.writeHead(charge === undefined ? 404 : 200).end(charge);
      }
      const { correlationId } = JSON.parse(body) as { correlationId: string };
      if (charges.has(correlationId)) return res.writeHead(422).end();
      charges.set(correlationId, body);
      // The first one is charged, and its answer lost.
      return charges.size === 1 ? res.destroy() : res.end(PROCESSED);
    }).listen(0, "localhost");
    await once(server, "listening");
    const processor = {
      name: "acquirer",
      url: `https://localhost:${(server.address() as AddressInfo).port}/v1`,
      fee: "0.01",
      headers: { "X-Api-Key": { env: "ACQUIRER_KEY" } },
      tls: {
        ca: join(directory, "ca.pem"),
        cert: join(directory, "client.pem"),
        key: join(directory, "client.key"),
      },
    };
    const { child, socketPath } = await startLoneInstance(directory, "pipe", {
      PROCESSORS: JSON.stringify([processor]),
      DEFAULT_PROCESSOR_URL: "",
      FALLBACK_PROCESSOR_URL: "",
      ACQUIRER_KEY: SECRET,
      LOG_LEVEL: "debug",
    });
    let log = "";
    child.stdout!.on("data", (text) => {
      log += String(text);
    });
    const caller = new Caller({ socketPath });
    try {
      const payments = Array.from({ length: 5 }, () => newPayment());
      await payMany(caller, payments);
      await untilState(caller, payments, "processed");
      await until("it was asked for its health", () => received.some((line) => line.includes("/service-health")));
      expect(charges.size).to.equal(5);
      // No request but those that the service knows of: nothing below it tries again.
      const views = await Promise.all(payments.map((payment) => viewOf(caller, payment)));
      const attemptCount = views.reduce((count, { attempts }) => count + attempts.length, 0);
      expect(received.filter((line) => !line.includes("/service-health"))).to.have.length(attemptCount);
      expect(new Set(received)).to.deep.equal(
        new Set([
          `POST /v1/payments ${SECRET}`,
          `GET /v1/payments/ID ${SECRET}`,
          `GET /v1/payments/service-health ${SECRET}`,
        ]),
      );
      const metrics = (await caller.get("/metrics")).body;
      expect(log).to.include("attempt ended");
      for (const text of [log, metrics]) expect(text).not.to.include(SECRET);
    } finally {
      caller.close();
      child.kill("SIGTERM");
      await once(child, "exit");
      server.closeAllConnections();
      server.close();
      authority.remove();
      rmSync(directory, { recursive: true });
    }
  }).timeout(60_000);
});
