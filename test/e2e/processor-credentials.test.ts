import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Caller } from "./caller.ts";
import { startLoneInstance } from "./lone-instance.ts";
import { newPayment, payMany, untilState } from "./payments.ts";
import { RecordingProcessor } from "./recording-processor.ts";
import { until } from "./until.ts";

describe("user and password in a processor's URL", () => {
  it("are sent with every request to it as Basic authorization, and nowhere else", async () => {
    const directory = mkdtempSync(join(tmpdir(), "rinha-credentials-"));
    const named = await RecordingProcessor.start();
    const open = await RecordingProcessor.start();
    const { child, socketPath } = await startLoneInstance(directory, "ignore", {
      DEFAULT_PROCESSOR_URL: named.url.replace("//", "//shop:p%40ss%3Aword@"),
      FALLBACK_PROCESSOR_URL: open.url,
      PROCESSOR_ADMIN_TOKEN: "123",
    });
    const caller = new Caller({ socketPath });
    try {
      // The first one is cut off, and asked about again.
      named.nextStatuses.push(0);
      const payments = Array.from({ length: 5 }, () => newPayment());
      await payMany(caller, payments);
      await untilState(caller, payments, "processed");
      for (const name of ["default", "fallback"]) {
        const headers = { "content-type": "application/json" };
        await caller.ask("PUT", `/simulation/processors/${name}`, { headers, body: '{"delayMs":0}' });
      }
      for (const { received } of [named, open])
        await until("it was asked for its health", () => received.some(({ path }) => path.endsWith("/service-health")));

      const expected = `Basic ${Buffer.from("shop:p@ss:word").toString("base64")}`;
      expect(named.received.map(({ method }) => method)).to.include.members(["POST", "GET", "PUT"]);
      for (const { method, path, authorization } of named.received)
        expect(authorization, `${method} ${path}`).to.equal(expected);
      for (const { method, path, authorization } of open.received)
        expect(authorization, `${method} ${path}`).to.equal(undefined);
    } finally {
      caller.close();
      child.kill("SIGTERM");
      await once(child, "exit");
      named.close();
      open.close();
      rmSync(directory, { recursive: true });
    }
  });
});
