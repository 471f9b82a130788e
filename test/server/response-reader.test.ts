import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect } from "chai";
import { AnswerError } from "../../server/processor/http-grammar.ts";
import { ResponseReader } from "../../server/processor/response-reader.ts";
import { ANSWERS, ok, REFUSED } from "./answers/examples.ts";

/** Fields of together `bytes` bytes. */
function padding(bytes: number): string {
  return `A: ${"b".repeat(bytes - 5)}\r\n`;
}

function read(reader: ResponseReader, text: string, pieceBytes: number): boolean {
  for (let at = 0; at < text.length; at += pieceBytes) {
    if (reader.push(text.slice(at, at + pieceBytes))) return at + pieceBytes >= text.length;
  }
  return false;
}

describe("response reader", () => {
  for (const { name, text, ...expected } of ANSWERS) {
    it(`reads ${name}, however it is cut`, () => {
      const bytes = Buffer.from(text, "utf8").toString("latin1");
      // After what is beyond the answer nobody waits for more: those bytes come with the last one of the answer.
      const end = name.startsWith("bytes after") ? bytes.length - 1 : bytes.length;
      const reader = new ResponseReader();
      for (let cut = 0; cut < end; cut++) {
        reader.reset();
        if (cut > 0) expect(reader.push(bytes.slice(0, cut)), `cut=${cut}`).to.equal(false);
        expect(reader.push(bytes.slice(cut)), `cut=${cut}`).to.equal(true);
        expect(reader, `cut=${cut}`).to.include({
          keepsAlive: true,
          isProvenEmpty: false,
          isTruncated: false,
          ...expected,
        });
      }
    });
  }

  for (const [name, text, rule] of REFUSED) {
    it(`refuses ${name}, however it comes`, () => {
      for (const pieceBytes of [text.length, 1, 7]) {
        expect(() => read(new ResponseReader(), text, pieceBytes)).to.throw(rule.slice(0, 25));
      }
      expect(() => new ResponseReader().push(text)).to.throw(rule);
    });
  }

  it("reads a body that ends with its connection, which proves nothing if it is empty", () => {
    const reader = new ResponseReader();
    expect(reader.end()).to.equal(false);
    expect(reader.push("HTTP/1.1 500 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n")).to.equal(false);
    expect(reader.end()).to.equal(true);
    expect(reader).to.include({ status: 500, body: "", keepsAlive: false, isProvenEmpty: false });
    expect(reader.push("ab")).to.equal(false);
    expect(reader.push("c")).to.equal(false);
    expect(reader.end()).to.equal(true);
    expect(reader).to.include({ body: "abc", keepsAlive: false, isProvenEmpty: false });
  });

  it("is not done when a connection ends within a head, a body of known length or chunks", () => {
    for (const text of [
      "HTTP/1.1 200 OK\r\n",
      ok("Content-Length: 2\r\n", "x"),
      ok("Transfer-Encoding: chunked\r\n", "0\r\n"),
    ]) {
      const reader = new ResponseReader();
      expect(reader.push(text)).to.equal(false);
      expect(reader.end(), text).to.equal(false);
    }
  });

  it("has the same bounds for heads, lines of chunks and trailers, however they are cut", () => {
    const status = "HTTP/1.1 200 OK\r\n";
    const rest = "Content-Length: 0\r\n\r\n";
    const headOf = (bytes: number): string => status + padding(bytes - status.length - rest.length) + rest;
    const chunksOf = (body: string): string => ok("Transfer-Encoding: chunked\r\n", body);
    const bounds: [string, string, string][] = [
      [headOf(16_384), headOf(16_385), "head must not be longer: maxBytes=16384"],
      [chunksOf(`${"0".repeat(4096)}\r\n\r\n`), chunksOf(`${"0".repeat(4097)}\r\n\r\n`), "maxBytes=4096"],
      [chunksOf(`1;${"a".repeat(4094)}\r\nx\r\n0\r\n\r\n`), chunksOf(`1;${"a".repeat(4095)}\r\n`), "maxBytes=4096"],
      [chunksOf(`0\r\n${padding(16_386)}\r\n`), chunksOf(`0\r\n${padding(16_387)}\r\n`), "maxBytes=16384"],
    ];
    for (const [longest, tooLong, rule] of bounds) {
      for (const pieceBytes of [longest.length + 1, longest.length - 1, longest.length - 2, longest.length - 3, 1000]) {
        expect(read(new ResponseReader(), longest, pieceBytes), `${rule} ${pieceBytes}`).to.equal(true);
        expect(() => read(new ResponseReader(), tooLong, pieceBytes)).to.throw(rule);
      }
    }
  });

  it("reads bodies of any length and keeps their first 16 KiB", () => {
    const body = "0123456789".repeat(20_000);
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
    for (const text of [
      ok(`Content-Length: ${body.length}\r\n`, body),
      ok("Transfer-Encoding: chunked\r\n", `${chunk}0\r\n\r\n`),
    ]) {
      for (const pieceBytes of [text.length, 16_384, 999]) {
        const reader = new ResponseReader();
        expect(read(reader, text, pieceBytes)).to.equal(true);
        expect(reader).to.include({
          body: body.slice(0, 16_384),
          isTruncated: true,
          keepsAlive: true,
          isProvenEmpty: false,
        });
      }
    }
  });

  it("refuses a body of more than it is told, and reads one of as much", () => {
    for (const size of [16, 17]) {
      const body = "x".repeat(size);
      const texts = [
        ok(`Content-Length: ${size}\r\n`, body),
        ok("Transfer-Encoding: chunked\r\n", `${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`),
      ];
      for (const text of texts) {
        const reading = (): boolean => read(new ResponseReader(16, 16), text, 5);
        if (size === 16) expect(reading()).to.equal(true);
        else expect(reading).to.throw("body must not be longer: maxBytes=16");
      }
    }
  });

  it("forgets an answer before the next one", () => {
    const reader = new ResponseReader();
    expect(reader.push(ok("Connection: close\r\nTransfer-Encoding: chunked\r\n", "1;a"))).to.equal(false);
    reader.reset();
    expect(reader.push("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")).to.equal(true);
    expect(reader).to.include({ status: 404, body: "", keepsAlive: true, isProvenEmpty: true });
  });

  it("takes a time in proportion to the length of a head, whatever is in it", () => {
    const long = [" ".repeat(16_000), ", ".repeat(8000), '"\\'.repeat(8000), '"'.repeat(16_000), "a\r\n ".repeat(4000)];
    const before = process.cpuUsage();
    for (const name of ["A", "Connection", "Transfer-Encoding", "Content-Length"]) {
      for (const value of long) {
        for (const end of ["x", "\0"]) {
          try {
            new ResponseReader().push(ok(`${name}: ${value}${end}\r\n`));
          } catch (error) {
            expect(error).to.be.instanceOf(AnswerError);
          }
        }
      }
    }
    expect(process.cpuUsage(before).user / 1000).to.be.below(500);
  });

  it("holds little memory, whatever it is sent", () => {
    const READER_COUNT = 30;
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    // A byte of data in each piece, between as much else as goes into a read.
    const piece = Buffer.from(`1;a=${"b".repeat(4000)}\r\nx\r\n`);
    const readers = Array.from({ length: READER_COUNT }, () => new ResponseReader());
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (const reader of readers) {
      reader.push(ok("Transfer-Encoding: chunked\r\n"));
      for (let i = 0; i < 100; i++) reader.push(piece.toString("latin1"));
    }
    collectGarbage();
    const bytesEach = (process.memoryUsage().heapUsed - before) / READER_COUNT;
    expect(readers.every(({ body }) => body === "x".repeat(100))).to.equal(true);
    expect(bytesEach).to.be.below(20_000);
  });
});
