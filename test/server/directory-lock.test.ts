import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { DirectoryLock } from "../../server/directory-lock.ts";
import { inDirectory } from "./journal-life.ts";

const MODULE = new URL("../../server/directory-lock.js", import.meta.url).href;
const HOLDER = `
  import { DirectoryLock } from ${JSON.stringify(MODULE)};
  const [directory] = process.argv.slice(1);
  process.stdin.once("data", () => DirectoryLock.take(directory).then(
    () => { console.log("held"); setInterval(() => {}, 1000); },
    (error) => console.log(error.message),
  ));
  console.log("ready");`;

/** A process of its own that takes the lock when told to. */
class Holder {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(directory: string) {
    const args = ["--input-type=module", "-e", HOLDER, "--", directory];
    this.process = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value as string;
  }

  async take(): Promise<string> {
    this.process.stdin!.write("\n");
    return this.line();
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const gone = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await gone;
  }
}

async function withHolders<T>(directory: string, count: number, body: (holders: Holder[]) => Promise<T>): Promise<T> {
  const holders = Array.from({ length: count }, () => new Holder(directory));
  try {
    for (const holder of holders) expect(await holder.line()).to.equal("ready");
    return await body(holders);
  } finally {
    await Promise.all(holders.map((holder) => holder.kill()));
  }
}

const inUse = (path: string): string => `the directory is in use by another process: directory=${path}`;

async function refusal(path: string): Promise<string> {
  try {
    await (await DirectoryLock.take(path)).release();
  } catch (error) {
    return (error as Error).message;
  }
  return "taken";
}

describe("directory lock", () => {
  it("keeps a second process out, and a second owner in the same process", () =>
    inDirectory((path) =>
      withHolders(path, 2, async ([first, second]) => {
        expect(await first!.take()).to.equal("held");
        expect(await second!.take()).to.equal(inUse(path));
        expect(await refusal(path)).to.equal(inUse(path));
        expect(await refusal(path)).to.equal(inUse(path));
      }),
    ));

  it("is free again after its release, and leaves nothing behind", () =>
    inDirectory(async (path) => {
      const lock = await DirectoryLock.take(path);
      expect(await refusal(path)).to.equal(inUse(path));
      await lock.release();
      expect(readdirSync(path)).to.deep.equal([]);
      expect(await refusal(path)).to.equal("taken");
    }));

  it("is taken over from a process that was killed", () =>
    inDirectory((path) =>
      withHolders(path, 2, async ([first, second]) => {
        expect(await first!.take()).to.equal("held");
        await first!.kill();
        expect(readdirSync(path)).to.have.length(1);
        expect(await second!.take()).to.equal("held");
        expect(await refusal(path)).to.equal(inUse(path));
      }),
    ));

  it("never goes to two that take it over at the same moment, and then to the next that comes", () =>
    inDirectory(async (path) => {
      for (let round = 0; round < 5; round++) {
        await withHolders(path, 1, async ([victim]) => {
          expect(await victim!.take()).to.equal("held");
        });
        await withHolders(path, 4, async (holders) => {
          const answers = await Promise.all(holders.map((holder) => holder.take()));
          expect(answers.filter((answer) => answer === "held").length).to.be.at.most(1);
        });
        expect(await refusal(path)).to.equal("taken");
      }
    }));

  it("does not mind a path longer than a socket's name may be", () =>
    inDirectory(async (path) => {
      const long = join(path, "a".repeat(200));
      mkdirSync(long);
      const lock = await DirectoryLock.take(long);
      expect(await refusal(long)).to.equal(inUse(long));
      await lock.release();
    }));

  it("rejects where there is no directory", () =>
    inDirectory(async (path) => {
      expect(await refusal(join(path, "nothing"))).to.include("ENOENT");
    }));

  it("says so where the file system has no unix sockets", async function () {
    // Nobody else may try to create anything there.
    if (process.getuid?.() !== 0) return this.skip();
    expect(await refusal("/sys")).to.match(
      /^DATA_DIR must be on a file system with unix sockets, .*: directory=\/sys problem=E[A-Z]+$/,
    );
  });
});
