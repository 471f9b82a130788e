/**
 * What must never get to an instance through the balancer: an operator's request, and one to a path that the balancer
 * answers itself. Each attempt below tries to have them taken for a request of their own behind the one that passes.
 */
export const CANARY_LEVEL = "fatal";
const LEVEL_BODY = `{"level":"${CANARY_LEVEL}"}`;
export const CANARY =
  `PUT /log-level HTTP/1.1\r\nHost: x\r\nContent-Length: ${LEVEL_BODY.length}\r\n\r\n${LEVEL_BODY}` +
  "GET /canary HTTP/1.1\r\nHost: x\r\n\r\n";

/** Name and bytes. */
export type Attempts = Readonly<Record<string, string>>;

const LENGTH = CANARY.length;
const AS_CHUNK = `${LENGTH.toString(16)}\r\n${CANARY}\r\n0\r\n\r\n`;

function head(line: string, headers: readonly string[]): string {
  return `${[`${line} HTTP/1.1`, "Host: x", ...headers].join("\r\n")}\r\n\r\n`;
}

/** A payment with these headers, and the canary as its body. */
function post(...headers: string[]): string {
  return head("POST /payments", headers) + CANARY;
}

/** The same, where whoever heeds the chunks sees an empty body, and the canary behind it. */
function emptyChunks(...headers: string[]): string {
  return `${head("POST /payments", headers)}0\r\n\r\n${CANARY}`;
}

const differingLengths: Attempts = {
  "two lengths, the smaller first": post("Content-Length: 0", `Content-Length: ${LENGTH}`),
  "two lengths, the larger first": post(`Content-Length: ${LENGTH}`, "Content-Length: 0"),
  "the same length twice": post(`Content-Length: ${LENGTH}`, `Content-Length: ${LENGTH}`),
  "a list of lengths": post(`Content-Length: 0, ${LENGTH}`),
  "a length with a sign": post("Content-Length: +0"),
  "a length below nothing": post(`Content-Length: -${LENGTH}`),
  "a length in hexadecimal": post("Content-Length: 0x0"),
  "a length with an exponent": post("Content-Length: 0e9"),
  "a length past 64 bits": post("Content-Length: 18446744073709551616"),
  "an empty length": post("Content-Length: "),
  "a length in a header with an underscore": post("Content_Length: 0", `Content-Length: ${LENGTH}`),
  "a length behind a space": post(`Content-Length : ${LENGTH}`),
  "a length in a name with a tab": post(`Content-Length\t: ${LENGTH}`),
  "a length in a line with no colon": post(`Content-Length ${LENGTH}`),
};

const lengthsAndChunks: Attempts = {
  "a length, then chunks": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding: chunked"),
  "chunks, then a length": emptyChunks("Transfer-Encoding: chunked", `Content-Length: ${LENGTH + 5}`),
  "chunks that a space hides": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding : chunked"),
  "chunks behind a tab": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding:\tchunked"),
  "chunks with an underscore": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer_Encoding: chunked"),
  "chunks in capitals": emptyChunks(`Content-Length: ${LENGTH + 5}`, "TRANSFER-ENCODING: CHUNKED"),
  "chunks in quotation marks": emptyChunks(`Content-Length: ${LENGTH + 5}`, 'Transfer-Encoding: "chunked"'),
  "chunks with a parameter": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding: chunked;q=1"),
  "chunks behind a vertical tab": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding: \vchunked"),
  "another coding first": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding: identity, chunked"),
  "two codings in two headers": emptyChunks("Transfer-Encoding: chunked", "Transfer-Encoding: identity"),
  "a coding that nobody knows": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding: xchunked"),
  "chunks in HTTP/1.0": emptyChunks("Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0"),
};

const chunked = ["Transfer-Encoding: chunked"];
const oddChunks: Attempts = {
  "the canary as a chunk": head("POST /payments", chunked) + AS_CHUNK,
  "a chunk's size with 0x": `${head("POST /payments", chunked)}0x0\r\n\r\n${CANARY}`,
  "a chunk's size past 64 bits": `${head("POST /payments", chunked)}10000000000000000\r\n${CANARY}0\r\n\r\n`,
  "a chunk of negative size": `${head("POST /payments", chunked)}-1\r\n${CANARY}0\r\n\r\n`,
  "a chunk that is longer than it says": `${head("POST /payments", chunked)}1\r\n${CANARY}\r\n0\r\n\r\n`,
  "an extension with a bare line feed": `${head("POST /payments", chunked)}0;x\n\r\n${CANARY}`,
  "an extension without an end": `${head("POST /payments", chunked)}0;${CANARY}`,
  "chunks in bare line feeds": `${head("POST /payments", chunked)}0\n\n${CANARY}`,
  "a trailer with a length": `${head("POST /payments", chunked)}0\r\nContent-Length: ${LENGTH}\r\n\r\n${CANARY}`,
  "a trailer that is a request": `${head("POST /payments", chunked)}0\r\n${CANARY}\r\n`,
};

const oddLines: Attempts = {
  "bare line feeds": post(`Content-Length: ${LENGTH}`).replace("\r\n\r\n", "\n\n").replaceAll("\r\nHost", "\nHost"),
  "a head that ends in bare line feeds": `GET /health HTTP/1.1\nHost: x\n\n${CANARY.replaceAll("\r", "")}`,
  "a bare carriage return in a value": post(`X-Request-Id: a\r\r\n${CANARY}`),
  "a line behind a carriage return": post(`X-Request-Id: a\rContent-Length: ${LENGTH}`),
  "a zero byte in a value": post(`X-Request-Id: a\0\r\nContent-Length: ${LENGTH}`),
  "a zero byte in a name": post(`Content-Length\0: ${LENGTH}`),
  "a folded length": post("Content-Length: 0\r\n 0"),
  "a folded header that hides a length": post(`X-Request-Id: a\r\n Content-Length: ${LENGTH}`),
  "a folded coding": emptyChunks(`Content-Length: ${LENGTH + 5}`, "Transfer-Encoding:\r\n chunked"),
  "a fold before the first header": `POST /payments HTTP/1.1\r\n Host: x\r\nContent-Length: ${LENGTH}\r\n\r\n${CANARY}`,
  "a request in a header that is passed on": post(`Content-Type: a\\r\\n\\r\\n${encodeURIComponent(CANARY)}`),
  "two hosts": post("Host: y", `Content-Length: ${LENGTH}`),
  "a host that is a path": head("GET /live", []).replace("Host: x", "Host: x/../log-level"),
  "spaces in the target": `GET /health HTTP/1.1 /log-level HTTP/1.1\r\nHost: x\r\n\r\n${CANARY}`,
  "empty lines first": `\r\n\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n${CANARY}`,
};

const bodyWhereNoneBelongs: Attempts = Object.fromEntries(
  [
    "GET /payments-summary",
    "HEAD /payments-summary",
    "GET /health",
    "GET /payments/x",
    "OPTIONS /payments",
    "DELETE /payments",
    "POST /purge-payments",
    "GET /",
    "GET /assets/page.css",
    "GET /live",
    "PUT /simulation/processors/default",
  ].flatMap((line) => [
    [`${line} with a body`, head(line, [`Content-Length: ${LENGTH}`]) + CANARY],
    [`${line} with chunks`, head(line, chunked) + AS_CHUNK],
  ]),
);

const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
const connections: Attempts = {
  "a length named as hop by hop": post("Connection: Content-Length", `Content-Length: ${LENGTH}`),
  "a coding named as hop by hop": emptyChunks("Connection: Transfer-Encoding, keep-alive", ...chunked),
  "a host named as hop by hop": post("Connection: Host, X-Forwarded-For", `Content-Length: ${LENGTH}`),
  "an upgrade to HTTP/2": head("GET /health", ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"]) + CANARY,
  "an upgrade to HTTP/2 of the socket": head("GET /live", ["Connection: Upgrade", "Upgrade: h2c"]) + CANARY,
  "an upgrade where there is none": head("POST /payments", UPGRADE) + CANARY,
  "an upgrade to a version that there is not": head("GET /live", [...UPGRADE, "Sec-WebSocket-Version: 777"]) + CANARY,
  "an upgrade by POST": head("POST /live", [...UPGRADE, `Content-Length: ${LENGTH}`]) + CANARY,
  "an upgrade with a body": head("GET /live", [...UPGRADE, `Content-Length: ${LENGTH}`]) + CANARY,
  "an upgrade of another site": head("GET /live", [...UPGRADE, "Origin: http://evil.example"]) + CANARY,
  "an upgrade that was granted": head("GET /live", [...UPGRADE, "Sec-WebSocket-Version: 13"]) + CANARY,
  "an upgrade without a key": head("GET /live", UPGRADE.slice(0, 2)) + CANARY,
  "an expectation": post(`Content-Length: ${LENGTH}`, "Expect: 100-continue"),
  "a proxy's connection": head("CONNECT instance-1.sock:80", []) + CANARY,
};

const versions: Attempts = {
  "HTTP/0.9": `GET /log-level\r\n\r\n${CANARY}`,
  "HTTP/0.9 on a path that passes": `GET /health\r\n\r\n${CANARY}`,
  "HTTP/1.0 that stays": `GET /health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${CANARY}`,
  "HTTP/2 with prior knowledge": `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0${CANARY}`,
  "a version with a second digit": `GET /health HTTP/1.10\r\nHost: x\r\n\r\n${CANARY}`,
  "a proxy's greeting": `PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n${CANARY}`,
  "the canary behind a request": `GET /health HTTP/1.1\r\nHost: x\r\n\r\n${CANARY}`.repeat(20),
};

export const SMUGGLING: Readonly<Record<string, Attempts>> = {
  "lengths that differ": differingLengths,
  "lengths and chunks": lengthsAndChunks,
  "odd chunks": oddChunks,
  "odd lines": oddLines,
  "bodies where none belongs": bodyWhereNoneBelongs,
  "odd connections": connections,
  "other versions, and what merely follows": versions,
};

const ADMIN = ["log-level", "metrics", "doubts", "2/summary"];

/** Other spellings of paths that the balancer does not let through. */
export function adminSpellings(): string[] {
  const spelled = ADMIN.flatMap((path) => [
    `/${path}`,
    `//${path}`,
    `/${path}/`,
    `/./${path}`,
    `/health/../${path}`,
    `/payments/../${path}`,
    `/payments/..%2f${path}`,
    `/payments/%2e%2e/${path}`,
    `/payments/..;/${path}`,
    `/${path}/..%2fpayments-summary`,
    `/${path}/..%2fhealth`,
    `/${path}/%2e%2e%2fhealth`,
    `/${path}/../health`,
    `/${path}%2f..%2fhealth`,
    `/${path}%3f/../health`,
    `/${path}?/../health`,
    `/${path}#/../health`,
    `/${path}%00`,
    `/${path}%20`,
    `/%${path.charCodeAt(0).toString(16)}${path.slice(1)}`,
    `/${path.toUpperCase()}`,
    `/assets/../${path}`,
    `/assets/..%2f${path}`,
    `/assets/%2e%2e/${path}`,
    `/simulation/processors/..%2f..%2f${path}`,
    `http://x/${path}`,
    `http://instance-1.sock/${path}`,
    `http://x/../${path}`,
    `x:80/${path}`,
    path,
    `\\${path}`,
    "*",
  ]);
  return [...new Set(spelled)];
}
