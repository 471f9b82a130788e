import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { expect } from "chai";
import { codeFileOf, load, loadedParts, type Part, thisBuild } from "../../../server/bundle/loader.ts";

type Answering = { answer: () => number };

const bodyOf = (text: string): string => `(function (exports, require, module, __filename, __dirname) {${text}})`;
const answering = (number: number): string => bodyOf(`exports.answer = function answer() { return ${number}; };`);

describe("loader of bundles", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-bundle-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function write(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  function partAt(path: string): Part {
    return [...loadedParts()].find((part) => part.path === path)!;
  }

  /** The code of a part whose function has run. */
  function codeOf(name: string, text: string, build?: string): Buffer {
    const path = write(name, text);
    expect((load(path) as Answering).answer()).to.be.a("number");
    return codeFileOf(partAt(path), build).bytes;
  }

  /** Loads a part with this beside it as its code; what V8 says of that. */
  function loadWith(name: string, text: string, code: Buffer): { answer: number; isRejected: boolean | undefined } {
    const path = write(name, text);
    writeFileSync(`${path}.code`, code);
    const answer = (load(path) as Answering).answer();
    return { answer, isRejected: partAt(path).script.cachedDataRejected };
  }

  it("loads parts once, and for them other parts and modules of Node.js", () => {
    write("b.js", bodyOf("exports.count = (globalThis.loadedCount ?? 0) + 1; globalThis.loadedCount = exports.count;"));
    const body = bodyOf('module.exports = [require("./b.js"), require("./b.js"), require("node:path"), __filename];');
    const [first, second, path, name] = load(write("a.js", body)) as unknown[];
    expect(first).to.equal(second);
    expect(first).to.deep.equal({ count: 1 });
    expect(path).to.have.property("join");
    expect(name).to.equal(join(folder, "a.js"));
  });

  it("takes the code that was kept of the same source", () => {
    const code = codeOf("a.js", answering(11));
    expect(loadWith("b.js", answering(11), code)).to.deep.equal({ answer: 11, isRejected: false });
  });

  it("leaves alone the code of another source, be it of the same length", () => {
    const code = codeOf("a.js", answering(11));
    expect(loadWith("b.js", answering(12), code)).to.deep.equal({ answer: 12, isRejected: undefined });
  });

  for (const build of ["sparc v20.20.2 97656584", "x64 v20.19.6 97656584", "x64 v20.20.2 1"]) {
    it(`leaves alone the code of another Node.js, which V8 would take, and crash: ${build}`, () => {
      const code = codeOf("a.js", answering(11), build);
      expect(loadWith("b.js", answering(11), code)).to.deep.equal({ answer: 11, isRejected: undefined });
    });
  }

  it("leaves alone code that is damaged or cut off", () => {
    const code = codeOf("a.js", answering(11));
    const damaged = Buffer.from(code);
    damaged[damaged.length - 9]! ^= 1;
    for (const [i, bytes] of [damaged, code.subarray(0, 100), Buffer.alloc(0)].entries()) {
      expect(loadWith(`b${i}.js`, answering(11), bytes)).to.deep.equal({ answer: 11, isRejected: undefined });
    }
  });

  it("goes on without code that this V8 refuses", () => {
    const source = answering(11);
    const code = Buffer.alloc(256, 1);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32(code, crc32(source, crc32(thisBuild()))));
    expect(loadWith("a.js", source, Buffer.concat([checksum, code]))).to.deep.equal({ answer: 11, isRejected: true });
  });

  it("writes nothing: a file system that is read-only is as good", () => {
    const inner = join(folder, "inner");
    mkdirSync(inner);
    const path = join(inner, "a.js");
    writeFileSync(path, answering(11));
    const before = readFileSync(path);
    load(path);
    expect(readdirSync(inner)).to.deep.equal(["a.js"]);
    expect(readFileSync(path)).to.deep.equal(before);
  });
});
