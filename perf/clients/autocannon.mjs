// New payments by autocannon, which is among the development packages. Its command line can put ids into a body, but
// they are no UUIDs; its programming interface can.
//
//   node perf/clients/autocannon.mjs http://localhost:9999 [SECONDS [CONNECTIONS [PER_SECOND]]]
//
// With PER_SECOND the rate is fixed, and latencies are corrected for what a slow answer keeps back.
import { randomUUID } from "node:crypto";
import process from "node:process";
import autocannon from "autocannon";

const usage = "usage: node perf/clients/autocannon.mjs URL [SECONDS [CONNECTIONS [PER_SECOND]]]";

function readArguments([url = "", ...numbers]) {
  if (!/^https?:\/\/[^/]+\/?$/.test(url)) throw new Error(`URL must be http://HOST:PORT: URL=${url}\n${usage}`);
  const names = ["SECONDS", "CONNECTIONS", "PER_SECOND"];
  const bad = numbers.findIndex((text) => !/^[1-9]\d{0,5}$/.test(text));
  if (bad >= 0) throw new Error(`${names[bad]} must be a whole number from 1: ${names[bad]}=${numbers[bad]}\n${usage}`);
  const [duration = 10, connections = 64, overallRate] = numbers.map(Number);
  return { url, duration, connections, ...(overallRate && { overallRate }) };
}

const newPayment = (request) => ({ ...request, body: `{"correlationId":"${randomUUID()}","amount":19.90}` });

async function main(args) {
  const result = await autocannon({
    ...readArguments(args),
    requests: [
      {
        method: "POST",
        path: "/payments",
        headers: { "content-type": "application/json" },
        setupRequest: newPayment,
      },
    ],
  });
  const { latency, requests, non2xx, errors, timeouts, statusCodeStats } = result;
  const statuses = Object.entries(statusCodeStats).map(([status, { count }]) => `${status}: ${count}`);
  console.log(`answers   ${requests.total} in ${result.duration} s (${statuses.join(", ")})`);
  console.log(`latency   p50 ${latency.p50} ms, p99 ${latency.p99} ms, max ${latency.max} ms`);
  console.log(`refused   ${non2xx}`);
  console.log(`broken    ${errors}, of which timed out ${timeouts}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
