import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { MemoryRoom, memoryLimitBytes } from "../../../server/system/memory-room.ts";

const MB = 2 ** 20;

describe("the memory a process may have", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-memory-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function file(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  }

  it("is what its cgroup of version 2 says, where that sets a limit", () => {
    expect(memoryLimitBytes([file("memory.max", "367001600\n")])).to.equal(350 * MB);
    expect(memoryLimitBytes([file("memory.max", "max\n")])).to.equal(Number.POSITIVE_INFINITY);
  });

  it("is what its cgroup of version 1 says, whose word for no limit is a number", () => {
    expect(memoryLimitBytes([file("limit", "367001600\n")])).to.equal(350 * MB);
    expect(memoryLimitBytes([file("limit", "9223372036854771712\n")])).to.equal(Number.POSITIVE_INFINITY);
  });

  it("is the narrowest of several, whichever of them there are", () => {
    const files = [
      join(folder, "none"),
      file("outer", "1000000000\n"),
      file("inner", "500000000\n"),
      file("v1", "max\n"),
    ];
    expect(memoryLimitBytes(files)).to.equal(500_000_000);
    expect(memoryLimitBytes([])).to.equal(Number.POSITIVE_INFINITY);
  });

  it("can be read where this runs", () => {
    expect(memoryLimitBytes()).to.be.above(0);
  });
});

describe("the room for a partition's payments", () => {
  it("is what the limit leaves beside what is used, but for a tenth", () => {
    const room = new MemoryRoom(100 * MB, 64, () => 26 * MB);
    expect(room.refusalOf(MB)).to.equal(undefined);
    expect(room.refusalOf(MB + 1)).to.equal(
      "its payments must fit the memory limit: payments=1048577 neededMb=91 limitMb=100",
    );
  });

  it("changes with what is used", () => {
    let usedMb = 89;
    const room = new MemoryRoom(100 * MB, 64, () => usedMb * MB);
    expect(room.refusalOf(MB)).to.equal(
      "its payments must fit the memory limit: payments=1048576 neededMb=153 limitMb=100",
    );
    usedMb = 10;
    expect(room.refusalOf(MB)).to.equal(undefined);
  });

  it("has no end without a limit", () => {
    expect(new MemoryRoom(Number.POSITIVE_INFINITY, 64, () => MB).refusalOf(2 ** 40)).to.equal(undefined);
  });
});
