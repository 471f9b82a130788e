// Exits 0 when the instance of this container answers GET /health with 200. Node.js, because the slim image has no
// curl.
import { get } from "node:http";

const TIMEOUT_MS = 3_000;

/** Reads `unix:<path>`, `tcp:<host>:<port>` or `tcp:[<IPv6 address>]:<port>`, as the instance itself does. */
function target(listen) {
  const [, socketPath, ipv6, host, port] = /^(?:unix:(.+)|tcp:(?:\[(.+)\]|([^:]+)):(\d+))$/.exec(listen) ?? [];
  return (socketPath ?? ipv6 ?? host) ? { socketPath, host: ipv6 ?? host, port } : undefined;
}

function finish(problem) {
  if (problem !== undefined) console.error(problem);
  process.exit(problem === undefined ? 0 : 1);
}

const where = target(process.env.LISTEN ?? "");
if (where === undefined) finish("LISTEN must be unix:<path>, tcp:<host>:<port> or tcp:[<IPv6 address>]:<port>");
setTimeout(() => finish(`no answer: timeoutMs=${TIMEOUT_MS}`), TIMEOUT_MS);
get({ ...where, path: "/health" }, (response) => {
  response.resume();
  finish(response.statusCode === 200 ? undefined : `not healthy: status=${response.statusCode}`);
}).on("error", (error) => finish(`not reachable: ${error.message}`));
