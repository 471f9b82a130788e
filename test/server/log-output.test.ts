import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { LogOutput } from "../../server/log-output.ts";
import { Random } from "../core/random.ts";
import { until } from "../e2e/until.ts";

const LINE_BYTES: number = 100;
/** What the output keeps, and what a pipe of Linux does by itself. */
const KEPT_BYTES = 1 << 20;
const PIPE_BYTES = 65_536;

/** A FIFO as a log shipper makes it, with one reader at a time, which reads when it is told to. */
class Fifo {
  readonly writeFd: number;
  text = "";
  readonly #path: string;
  #readFd: number | undefined;

  constructor(directory: string) {
    this.#path = join(directory, "log");
    execFileSync("mkfifo", [this.#path]);
    this.open();
    this.writeFd = openSync(this.#path, constants.O_WRONLY | constants.O_NONBLOCK);
  }

  open(): void {
    this.#readFd ??= openSync(this.#path, constants.O_RDONLY | constants.O_NONBLOCK);
  }

  leave(): void {
    if (this.#readFd !== undefined) closeSync(this.#readFd);
    this.#readFd = undefined;
  }

  /** Reads once, at most so many bytes, if there is a reader. */
  read(bytesMax = PIPE_BYTES): void {
    if (this.#readFd === undefined) return;
    const bytes = Buffer.alloc(bytesMax);
    try {
      this.text += bytes.toString("latin1", 0, readSync(this.#readFd, bytes, 0, bytesMax, null));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }

  get lineCount(): number {
    return this.text.split("\n").length - 1;
  }

  /** The numbers of the lines that were read; whatever else is among them fails. */
  get numbers(): number[] {
    return this.text
      .split("\n")
      .slice(0, -1)
      .map((line) => {
        expect(line).to.match(/^\d+ x*$/);
        return Number.parseInt(line, 10);
      });
  }

  close(): void {
    this.leave();
    closeSync(this.writeFd);
  }
}

describe("log output", () => {
  let directory: string;
  let fifo: Fifo;
  let output: LogOutput;
  let writtenCount: number;
  /** What was told of gaps: the number of the next line, and how many before it were lost. */
  let gaps: { before: number; count: number }[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "rinha-log-"));
    fifo = new Fifo(directory);
    output = new LogOutput(fifo.writeFd);
    writtenCount = 0;
    gaps = [];
    output.onFlowing = (count) => {
      gaps.push({ before: writtenCount, count });
    };
  });

  afterEach(() => {
    output.close();
    fifo.close();
    rmSync(directory, { recursive: true });
  });

  function writeLines(count: number, lineBytes: number = LINE_BYTES): void {
    for (let i = 0; i < count; i++) output.write(`${`${writtenCount++} `.padEnd(lineBytes - 1, "x")}\n`);
  }

  async function readUntil(count: number): Promise<void> {
    await until(`${count} lines are read`, () => {
      fifo.read();
      return fifo.lineCount >= count;
    });
    await sleep(50);
    fifo.read();
  }

  function everyNumber(): number[] {
    return Array.from({ length: writtenCount }, (_, i) => i);
  }

  it("writes what it is given, in its order, by itself", async () => {
    writeLines(3);
    await readUntil(3);
    writeLines(1000);
    await readUntil(1003);
    expect(fifo.numbers).to.deep.equal(everyNumber());
  });

  it("keeps what a slow reader does not take yet", async () => {
    writeLines(9000);
    await sleep(300);
    await readUntil(9000);
    expect(fifo.numbers).to.deep.equal(everyNumber());
    expect(output.droppedCount).to.equal(0);
  });

  it("goes on at the next reader when one has gone, without a line lost or cut", async () => {
    writeLines(100);
    await readUntil(100);
    fifo.leave();
    writeLines(2000);
    await sleep(300);
    writeLines(2000);
    fifo.open();
    await readUntil(4100);
    writeLines(100);
    await readUntil(4200);
    expect(fifo.numbers).to.deep.equal(everyNumber());
    expect([output.droppedCount, gaps]).to.deep.equal([0, []]);
  });

  it("counts what finds no room while nobody reads, and tells of it where the gap is", async () => {
    writeLines(10);
    await readUntil(10);
    fifo.leave();
    const tooMany = (2 * KEPT_BYTES) / LINE_BYTES;
    writeLines(tooMany);
    await sleep(100);
    const droppedCount = output.droppedCount;
    expect(droppedCount)
      .to.be.above(tooMany / 3)
      .and.below((2 * tooMany) / 3);
    const keptCount = writtenCount - droppedCount;
    fifo.open();
    await until("the gap is told", () => {
      fifo.read();
      return gaps.length > 0;
    });
    expect(gaps).to.deep.equal([{ before: writtenCount, count: droppedCount }]);
    writeLines(100);
    await readUntil(keptCount + 100);
    const lost = everyNumber().slice(keptCount, keptCount + droppedCount);
    expect(fifo.numbers).to.deep.equal(everyNumber().filter((number) => !lost.includes(number)));
    expect(output.droppedCount).to.equal(droppedCount);
  });

  it("accounts for every line, whatever readers do", async function () {
    this.timeout(30_000);
    const random = new Random(20250715);
    for (let step = 0; step < 300; step++) {
      writeLines(random.below(random.chance(0.1) ? 8000 : 200), random.chance(0.05) ? 9000 : LINE_BYTES);
      if (random.chance(0.1)) fifo.leave();
      if (random.chance(0.2)) fifo.open();
      for (let reads = random.below(4); reads > 0; reads--) fifo.read(random.between(1, PIPE_BYTES));
      await sleep(random.below(8));
    }
    fifo.open();
    await readUntil(writtenCount - output.droppedCount);
    const numbers = fifo.numbers;
    expect(numbers.length + output.droppedCount).to.equal(writtenCount);
    expect(output.droppedCount).to.be.above(0);
    expect(gaps.reduce((sum, { count }) => sum + count, 0)).to.equal(output.droppedCount);
    expect(numbers).to.deep.equal([...new Set(numbers)].sort((a, b) => a - b));
  });

  it("passes on a line that is longer than a pipe", async () => {
    writeLines(1, 3 * PIPE_BYTES);
    writeLines(1);
    await readUntil(2);
    expect(fifo.text.length).to.equal(3 * PIPE_BYTES + LINE_BYTES);
  });

  it("costs next to nothing when nobody will ever read again, and ends at once", async () => {
    fifo.leave();
    writeLines(20_000);
    await sleep(100);
    const before = process.cpuUsage();
    await sleep(1000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000, "milliseconds of CPU in a second").to.be.below(100);
    const beganAtMs = performance.now();
    output.close();
    expect(performance.now() - beganAtMs).to.be.below(100);
  });

  it("waits half a second at the end for a reader that is only slow", async () => {
    writeLines(5000);
    await sleep(100);
    const beganAtMs = performance.now();
    output.close();
    expect(performance.now() - beganAtMs).to.be.within(400, 2000);
  });

  it("writes out at the end what is queued, and what a thread has in hand", async () => {
    writeLines(50);
    output.close();
    await readUntil(50);
    expect(fifo.numbers.sort((a, b) => a - b)).to.deep.equal(everyNumber());
  });

  it("writes at the end without a turn of the event loop", () => {
    writeLines(20);
    output.close();
    fifo.read();
    expect(fifo.numbers).to.deep.equal(everyNumber());
  });
});
