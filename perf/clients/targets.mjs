// For tools that read their requests: new payments, one a line, without an end or as many as are asked for.
//
//   node perf/clients/targets.mjs vegeta http://localhost:9999 | vegeta attack -format=json -lazy -rate=500
//   node perf/clients/targets.mjs bodies 10000 > bodies.txt
//   node perf/clients/targets.mjs curl http://localhost:9999 1000 > payments.curl; curl --config payments.curl
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import process from "node:process";

const AMOUNT = "19.90";
const usage = "usage: node perf/clients/targets.mjs vegeta URL [COUNT] | curl URL [COUNT] | bodies [COUNT]";

const newBody = () => `{"correlationId":"${randomUUID()}","amount":${AMOUNT}}`;

/** By form: a line for a new payment. */
const forms = {
  bodies: () => newBody(),
  vegeta: (url) =>
    JSON.stringify({
      method: "POST",
      url: `${url}/payments`,
      body: Buffer.from(newBody()).toString("base64"),
      header: { "Content-Type": ["application/json"] },
    }),
  // A transfer of its own for each payment, all over one connection.
  curl: (url, i) =>
    [
      ...(i > 0 ? ["next"] : []),
      `url = "${url}/payments"`,
      'header = "Content-Type: application/json"',
      `data = ${JSON.stringify(newBody())}`,
      'write-out = "%{http_code} %{time_total}\\n"',
      "silent",
    ].join("\n"),
};

function readArguments([form = "", ...rest]) {
  if (!Object.hasOwn(forms, form)) throw new Error(`form must be vegeta, curl or bodies: form=${form}\n${usage}`);
  const url = form === "bodies" ? "" : (rest.shift() ?? "").replace(/\/$/, "");
  if (form !== "bodies" && !/^https?:\/\/[^/]+$/.test(url))
    throw new Error(`URL must be http://HOST:PORT: URL=${url}\n${usage}`);
  const [count = "Infinity"] = rest;
  if (count !== "Infinity" && !/^[1-9]\d{0,8}$/.test(count))
    throw new Error(`COUNT must be a whole number from 1: COUNT=${count}\n${usage}`);
  return { line: forms[form], url, count: Number(count) };
}

async function main(args) {
  const { line, url, count } = readArguments(args);
  // Whoever reads has enough: that is how an endless list ends.
  process.stdout.on("error", () => process.exit(0));
  for (let i = 0; i < count; i++) {
    if (!process.stdout.write(`${line(url, i)}\n`)) await once(process.stdout, "drain");
  }
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
