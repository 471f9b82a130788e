import { parseAddress } from "../../../server/address.ts";
import { Listener } from "../../../server/listener.ts";

/**
 * The floor: what any service costs on this machine that takes a payment's body and answers 202. It stands in for an
 * instance: `LISTEN=unix:<path> node build/perf/lab/floor/main.js`. It knows nothing, so its summary is all zeros.
 */
const NO_TOTALS = { totalRequests: 0, totalAmount: 0 };
const EMPTY_SUMMARY = JSON.stringify({ default: NO_TOTALS, fallback: NO_TOTALS });
const ignore = (): void => {};
/** The body is read, not looked at; counting its bytes keeps anybody from leaving the reading out. */
let bodyBytes = 0;
let acceptedCount = 0;

const address = parseAddress(process.env["LISTEN"] ?? "tcp:127.0.0.1:8080");
if (typeof address === "string") throw new Error(`LISTEN ${address}: LISTEN=${process.env["LISTEN"]}`);

const listener = await Listener.open(address, (app) => {
  app.post("/payments", (res) => {
    res.onAborted(ignore);
    res.onData((chunk, isLast) => {
      bodyBytes += chunk.byteLength;
      if (!isLast) return;
      acceptedCount++;
      res.cork(() => {
        res.writeStatus("202 Accepted");
        res.end();
      });
    });
  });
  app.get("/payments-summary", (res) => {
    res.writeHeader("Content-Type", "application/json");
    res.end(EMPTY_SUMMARY);
  });
  // For the fairer floor's sender.
  app.get("/accepted", (res) => {
    res.end(`${acceptedCount}`);
  });
  app.post("/purge-payments", (res) => {
    res.end();
  });
  for (const path of ["/health", "/ready"]) {
    app.get(path, (res) => {
      res.end("ok");
    });
  }
});

process.once("SIGTERM", () => {
  listener.close();
  process.exit(bodyBytes >= 0 ? 0 : 1);
});
