// Exits 0 when the instance of this container answers GET /health with 200. Node.js, because the slim image has no curl.
import { get } from "node:http";

const TIMEOUT_MS = 3_000;

/** Reads `unix:<path>` or `tcp:<host>:<port>`, as the instance itself does. */
function target(listen) {
  const [, socketPath, host, port] = /^(?:unix:(.+)|tcp:(.+):(\d+))$/.exec(listen) ?? [];
  return socketPath === undefined && host === undefined ? undefined : { socketPath, host, port };
}

function finish(problem) {
  if (problem !== undefined) console.error(problem);
  process.exit(problem === undefined ? 0 : 1);
}

const where = target(process.env.LISTEN ?? "");
if (where === undefined) finish("LISTEN must be unix:<path> or tcp:<host>:<port>");
setTimeout(() => finish(`no answer: timeoutMs=${TIMEOUT_MS}`), TIMEOUT_MS);
get({ ...where, path: "/health" }, (response) => {
  response.resume();
  finish(response.statusCode === 200 ? undefined : `not healthy: status=${response.statusCode}`);
}).on("error", (error) => finish(`not reachable: ${error.message}`));
