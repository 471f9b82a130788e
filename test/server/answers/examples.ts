/**
 * An answer and what is to be read from it: unless told otherwise, its connection is kept and its body is not proven
 * empty.
 */
type Example = { name: string; text: string; status: number; body: string; keepsAlive?: false; isProvenEmpty?: true };

/** An answer of 200 with these fields, of which each ends its line. */
export function ok(fields: string, body = ""): string {
  return `HTTP/1.1 200 OK\r\n${fields}\r\n${body}`;
}

export const ANSWERS: readonly Example[] = [
  {
    name: "a body of known length",
    text: ok("Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"),
    status: 200,
    body: "{}",
  },
  { name: "no body", text: ok("content-length: 0\r\n"), status: 200, body: "", isProvenEmpty: true },
  { name: "204", text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, body: "", isProvenEmpty: true },
  {
    name: "304 with the length of what was not sent",
    text: "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    status: 304,
    body: "",
    isProvenEmpty: true,
  },
  {
    name: "chunks",
    text: ok("Transfer-Encoding: chunked\r\n", '4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n'),
    status: 200,
    body: '{"a":1}',
  },
  {
    name: "a lone last chunk",
    text: ok("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    status: 200,
    body: "",
    isProvenEmpty: true,
  },
  {
    name: "chunks with a trailer",
    text: ok("transfer-encoding: chunked\r\n", "1\r\nx\r\n0\r\nA: b\r\n c\r\nContent-Length: 9\r\n\r\n"),
    status: 200,
    body: "x",
  },
  {
    name: "chunk sizes with leading zeros",
    text: ok("Transfer-Encoding: chunked\r\n", `000000000000000000000000B\r\n0123456789A\r\n${"0".repeat(99)}\r\n\r\n`),
    status: 200,
    body: "0123456789A",
  },
  {
    name: "chunk extensions with blanks and quotes",
    text: ok("Transfer-Encoding: chunked\r\n", '1 ; a = "b; \\"c" ;d\r\nx\r\n0\t;e=f\r\n\r\n'),
    status: 200,
    body: "x",
  },
  {
    name: "chunks of something that is coded as well",
    text: ok('Transfer-Encoding: gzip;a="b, c"\r\nTransfer-Encoding: Chunked\r\n', "1\r\nx\r\n0\r\n\r\n"),
    status: 200,
    body: "x",
  },
  {
    name: "a length said twice",
    text: ok("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
    status: 200,
    body: "{}",
  },
  { name: "a length listed twice", text: ok("Content-Length: 2, 02 ,\r\n", "{}"), status: 200, body: "{}" },
  {
    name: "chunks beside a length: the chunks count, for this once",
    text: ok("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "1\r\nx\r\n0\r\n\r\n"),
    status: 200,
    body: "x",
    keepsAlive: false,
  },
  {
    name: "no chunk beside a length, which proves nothing",
    text: ok("Content-Length: 9\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
    status: 200,
    body: "",
    keepsAlive: false,
  },
  {
    name: "heads that only say wait",
    text:
      "HTTP/1.1 102\r\nContent-Length: 9\r\n\r\n".repeat(4) +
      "HTTP/1.1 100\r\n\r\n".repeat(28) +
      ok("Content-Length: 1\r\n", "x"),
    status: 200,
    body: "x",
  },
  {
    name: "HTTP/1.0",
    text: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    status: 200,
    body: "x",
    keepsAlive: false,
  },
  {
    name: "HTTP/1.0 that keeps its connection",
    text: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx",
    status: 200,
    body: "x",
  },
  {
    name: "a connection that is to be closed, somewhere in a list",
    text: ok("Connection: x-close, foo\r\nConnection: keep-alive, CLOSE\r\nContent-Length: 1\r\n", "x"),
    status: 200,
    body: "x",
    keepsAlive: false,
  },
  {
    name: "options that only look like it",
    text: ok("Connection: closed\r\nContent-Length: 1\r\n", "x"),
    status: 200,
    body: "x",
  },
  {
    name: "fields with blanks before the colon, and folded ones",
    text: ok("A: b\r\n\tc\r\nContent-Length\t :\r\n 1\r\nConnection:\r\n close\r\n", "x"),
    status: 200,
    body: "x",
    keepsAlive: false,
  },
  { name: "a status without a reason", text: "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", status: 200, body: "x" },
  { name: "a later minor version", text: "HTTP/1.9 200 OK\r\nContent-Length: 1\r\n\r\nx", status: 200, body: "x" },
  {
    name: "text beyond ASCII",
    text: "HTTP/1.1 400 Requ\u00eate\r\nContent-Length: 3\r\n\r\nvé",
    status: 400,
    body: "vé",
  },
  {
    name: "bytes after the answer, which are nobody's",
    text: "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n{",
    status: 500,
    body: "",
    keepsAlive: false,
  },
];

/** What is refused, and the rule that it breaks. */
export const REFUSED: readonly [name: string, text: string, rule: string][] = [
  ["another protocol", "SSH-2.0", "answer must be HTTP/1.1: begins=SSH-2.0"],
  ["another version", "HTTP/2.0 200 OK\r\n\r\n", "answer must be HTTP/1.1"],
  ["lines that end without CR", "HTTP/1.1 200 OK\n", "answer must be HTTP/1.1"],
  ["a CR within a field", ok("A: b\rc\r\nContent-Length: 0\r\n"), "answer must be HTTP/1.1"],
  ["a zero byte within a field", ok("A: b\0\r\nContent-Length: 0\r\n"), "answer must be HTTP/1.1"],
  ["a field without a name", ok(": a\r\nContent-Length: 0\r\n"), "answer must be HTTP/1.1"],
  ["a line without a colon", ok("a\r\nContent-Length: 0\r\n"), "answer must be HTTP/1.1"],
  ["a blank before the first field", ok(" A: b\r\nContent-Length: 0\r\n"), "answer must be HTTP/1.1"],
  [
    "two lengths",
    ok("Content-Length: 1\r\nContent-Length: 2\r\n", "xx"),
    "Content-Length must be one number: lengths=1,2",
  ],
  ["no length in its field", ok("Content-Length:\r\n"), "Content-Length must be one number"],
  ["a length with a sign", ok("Content-Length: +1\r\n", "x"), "Content-Length must be one number: lengths=+1"],
  ["a length beyond counting", ok("Content-Length: 9007199254740992\r\n"), "Content-Length must be one number"],
  [
    "chunks with parameters",
    ok("Transfer-Encoding: chunked;a=b\r\n"),
    "transfer coding must be known: coding=chunked;a=b",
  ],
  ["a coding that is no token", ok('Transfer-Encoding: a", chunked\r\n'), 'transfer coding must be known: coding=a"'],
  ["a chunk without a size", ok("Transfer-Encoding: chunked\r\n", "zz"), "chunk must have a size: chunk=zz"],
  ["a size beyond counting", ok("Transfer-Encoding: chunked\r\n", "20000000000000\r\n"), "chunk must have a size"],
  ["a size with blanks behind it", ok("Transfer-Encoding: chunked\r\n", "1 \r\nx\r\n"), "chunk must have a size"],
  ["an extension without a name", ok("Transfer-Encoding: chunked\r\n", "1;=a\r\nx\r\n"), "chunk must have a size"],
  [
    "a chunk longer than it says",
    ok("Transfer-Encoding: chunked\r\n", "1\r\nxy"),
    "chunk must end where it says: found=y",
  ],
  ["trailers that are no fields", ok("Transfer-Encoding: chunked\r\n", "0\r\na\r\n\r\n"), "trailers must be fields"],
  ["another protocol after HTTP", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "answer must not change the protocol"],
  ["no end of waiting", "HTTP/1.1 100 Continue\r\n\r\n".repeat(33), "answer must come: interimMax=32"],
];
