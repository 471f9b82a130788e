import { expect } from "chai";
import { ResponseReader } from "../../server/processor/response-reader.ts";

const answers: readonly { name: string; text: string; status: number; body: string; keepsAlive: boolean }[] = [
  {
    name: "a body of known length",
    text: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    status: 200,
    body: "{}",
    keepsAlive: true,
  },
  {
    name: "no body",
    text: "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
    status: 202,
    body: "",
    keepsAlive: true,
  },
  { name: "a status without a body", text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, body: "", keepsAlive: true },
  {
    name: "chunks",
    text: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3;x=y\r\n:1}\r\n0\r\n\r\n',
    status: 200,
    body: '{"a":1}',
    keepsAlive: true,
  },
  {
    name: "chunks with a trailer",
    text: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n",
    status: 200,
    body: "x",
    keepsAlive: true,
  },
  {
    name: "a head that only says wait",
    text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx",
    status: 201,
    body: "x",
    keepsAlive: false,
  },
  {
    name: "HTTP/1.0",
    text: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx",
    status: 200,
    body: "x",
    keepsAlive: false,
  },
  {
    name: "text beyond ASCII",
    text: "HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nvé",
    status: 400,
    body: "vé",
    keepsAlive: true,
  },
];

describe("response reader", () => {
  for (const { name, text, status, body, keepsAlive } of answers) {
    it(`reads ${name}, however it is cut`, () => {
      const bytes = Buffer.from(text, "utf8").toString("latin1");
      const reader = new ResponseReader(4096);
      for (let cut = 0; cut < bytes.length; cut++) {
        reader.reset();
        if (cut > 0) expect(reader.push(bytes.slice(0, cut)), `cut=${cut}`).to.equal(false);
        expect(reader.push(bytes.slice(cut)), `cut=${cut}`).to.equal(true);
        expect(reader).to.include({ status, body, keepsAlive });
      }
    });
  }

  it("reads a body that ends with its connection", () => {
    const reader = new ResponseReader(4096);
    expect(reader.end()).to.equal(false);
    expect(reader.push("HTTP/1.1 200 OK\r\n\r\nab")).to.equal(false);
    expect(reader.push("c")).to.equal(false);
    expect(reader.end()).to.equal(true);
    expect(reader).to.include({ body: "abc", keepsAlive: false });
  });

  it("refuses what is no HTTP, no chunk, or an endless head", () => {
    const reading = (text: string) => () => new ResponseReader(4096).push(text);
    expect(reading("SSH-2.0\r\n\r\n")).to.throw("answer must be HTTP/1.1: begins=SSH-2.0");
    expect(reading("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")).to.throw("chunk must have a size");
    expect(reading(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(16_384)}`)).to.throw("head must not be longer");
  });
});
