import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { INSTANCE_MAIN, INSTANCE_NODE_FLAGS } from "../../../perf/launch/plans.ts";
import { Caller } from "../caller.ts";
import { startLoneInstance } from "../lone-instance.ts";
import { newPayment, pay, viewOf } from "../payments.ts";

const PRECIOUS = "what belongs to somebody else\n";
const START_MS = 20_000;

describe("a data directory", function () {
  this.timeout(60_000);
  let folder: string;
  let partition: string;
  /** A file outside of it. */
  let outside: string;
  const payment = newPayment();
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-data-"));
    partition = join(folder, "data", "partition-1");
    outside = join(folder, "outside");
    writeFileSync(outside, PRECIOUS);
    await withInstance(async (caller) => expect((await pay(caller, payment)).status).to.equal(202));
  });

  afterEach(async () => {
    if (child?.exitCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true });
  });

  const ENV = { PARTITIONS: "1", LOG_LEVEL: "silent" };

  async function withInstance(body: (caller: Caller) => Promise<unknown>, prefix: string[] = []): Promise<void> {
    const started = await startLoneInstance(folder, "ignore", ENV, prefix);
    child = started.child;
    const caller = new Caller({ socketPath: started.socketPath });
    try {
      await body(caller);
    } finally {
      caller.close();
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
  }

  /** What a start says that is refused. */
  async function refusal(): Promise<string> {
    child = spawn(process.execPath, [...INSTANCE_NODE_FLAGS, INSTANCE_MAIN], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...ENV,
        LOG_LEVEL: "fatal",
        LISTEN: `unix:${join(folder, "s")}`,
        DATA_DIR: join(folder, "data"),
        CAPACITY: "1000",
      },
      timeout: START_MS,
    });
    let said = "";
    for (const stream of [child.stdout!, child.stderr!])
      stream.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const [code] = (await once(child, "close")) as [number | null];
    expect(code, said).to.equal(1);
    return said;
  }

  async function expectWell(): Promise<void> {
    await withInstance(async (caller) => {
      expect((await viewOf(caller, payment)).amount).to.equal(payment.cents / 100);
      expect((await pay(caller, newPayment())).status).to.equal(202);
    });
    expect(readFileSync(outside, "utf8")).to.equal(PRECIOUS);
  }

  const segments = (): string[] =>
    readdirSync(partition)
      .filter((name) => /^segment-.*\.journal$/.test(name))
      .sort();
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it("may be a link itself, as may a partition's: an operator puts them where there is room", async () => {
    for (const path of [join(folder, "data"), partition]) {
      renameSync(path, `${path}-elsewhere`);
      symlinkSync(`${path}-elsewhere`, path);
    }
    await expectWell();
  });

  it("has no segment that is a link to a file outside: the start is refused, and the file stays as it is", async () => {
    const last = join(partition, segments().at(-1)!);
    // Sound but for its end, which a start would cut off.
    writeFileSync(outside, Buffer.concat([readFileSync(last), Buffer.alloc(20, 1)]));
    const before = readFileSync(outside);
    rmSync(last);
    symlinkSync(outside, last);
    const said = await refusal();
    expect(said).to.include("must be a plain file").and.include(last);
    expect(readFileSync(outside).equals(before)).to.equal(true);
  });

  it("has no checkpoint that is a link, a folder or a pipe either", async () => {
    const path = join(partition, "checkpoint-0000000001.journal");
    symlinkSync("/dev/zero", path);
    expect(await refusal()).to.include("must be a plain file");
    rmSync(path);
    mkdirSync(path);
    expect(await refusal()).to.include(path);
    rmSync(path, { recursive: true });
    await once(spawn("mkfifo", [path]), "close");
    expect(await refusal()).to.include("must be a plain file");
  });

  it("may have links where files are about to be written: they are removed, not followed", async () => {
    const next = Number(/\d+/.exec(segments().at(-1)!)![0]) + 1;
    const planted = [
      `segment-${String(next).padStart(10, "0")}.partial`,
      `checkpoint-${String(next).padStart(10, "0")}.partial`,
      "lock-00000000-0000-4000-8000-000000000000.sock",
    ].map((name) => join(partition, name));
    for (const path of planted) symlinkSync(outside, path);
    await expectWell();
    for (const path of planted) expect(existsSync(path), path).to.equal(false);
  });

  it("keeps out whoever plants a lock that leads to a living socket: nothing starts, nothing is lost", async () => {
    const server = createServer((socket) => socket.destroy()).listen(join(folder, "elsewhere.sock"));
    await once(server, "listening");
    const planted = join(partition, "lock-00000000-0000-4000-8000-000000000000.sock");
    symlinkSync(join(folder, "elsewhere.sock"), planted);
    expect(await refusal()).to.include("in use");
    server.close();
    await once(server, "close");
    rmSync(planted);
    await expectWell();
  });

  it("can be read by its owner and his group alone, and its sockets used by the owner", async () => {
    rmSync(join(folder, "data"), { recursive: true });
    const withoutMask = ["sh", "-c", 'umask 0; exec "$@"', "sh"];
    await withInstance(async (caller) => {
      expect((await pay(caller, newPayment())).status).to.equal(202);
      for (const path of [join(folder, "data"), partition]) expect(modeOf(path), path).to.equal("750");
      for (const name of segments()) expect(modeOf(join(partition, name)), name).to.equal("640");
      expect(modeOf(join(folder, "instance.sock"))).to.equal("700");
      const lock = readdirSync(partition).find((name) => name.startsWith("lock-"))!;
      expect(lstatSync(join(partition, lock)).isSocket()).to.equal(true);
    }, withoutMask);
  });
});
