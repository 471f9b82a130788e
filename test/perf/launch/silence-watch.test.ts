import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { answersAtAll } from "../../../perf/launch/readiness.ts";
import { type SilenceOptions, SilenceWatch } from "../../../perf/launch/silence-watch.ts";
import { until } from "../../support/processes.ts";

const never = new AbortController().signal;

describe("silence watch", () => {
  const child = { state: "running", pid: 1 as number | undefined };
  let watch: SilenceWatch | undefined;
  let silences: number[] = [];
  let asked = 0;
  let answers = true;

  beforeEach(() => {
    Object.assign(child, { state: "running", pid: 1 });
    silences = [];
    asked = 0;
    answers = true;
  });

  afterEach(() => watch?.close());

  function begin(options: Partial<SilenceOptions> = {}): void {
    watch = new SilenceWatch(child, {
      silenceMs: 100,
      intervalMs: 5,
      ask: async () => {
        asked++;
        return answers;
      },
      onSilence: (pid) => silences.push(pid),
      ...options,
    });
  }

  it("tells of a child that answers nothing, not of one that was silent for less", async () => {
    begin();
    answers = false;
    await sleep(50);
    answers = true;
    await until(() => asked > 20);
    expect(silences).to.deep.equal([]);
    answers = false;
    await until(() => silences.length > 0);
    expect(silences).to.deep.equal([1]);
  });

  it("asks only who is running, and a new process has all the time again", async () => {
    child.state = "starting";
    answers = false;
    begin();
    await sleep(200);
    expect([asked, silences]).to.deep.equal([0, []]);
    child.state = "running";
    const changing = setInterval(() => child.pid!++, 50);
    await sleep(300);
    clearInterval(changing);
    expect(silences).to.deep.equal([]);
  });

  it("asks nobody when it is off, or closed", async () => {
    begin({ silenceMs: 0 });
    await sleep(30);
    expect(asked).to.equal(0);
    begin({ ask: (signal) => new Promise((done) => signal.addEventListener("abort", () => done(false))) });
    await sleep(30);
    await watch!.close();
  });

  describe("and its question", () => {
    let folder: string;
    let server: Server | undefined;

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "rinha-silence-"));
    });

    afterEach(() => {
      server?.closeAllConnections();
      server?.close();
      rmSync(folder, { recursive: true });
    });

    it("takes any answer, and waits for none longer than a second", async () => {
      let isSilent = false;
      const socketPath = join(folder, "a.sock");
      server = createServer((_, response) => {
        if (!isSilent) response.writeHead(503).end();
      }).listen(socketPath);
      await until(() => server!.listening);
      expect(await answersAtAll({ socketPath }, never)).to.equal(true);
      isSilent = true;
      const beganAtMs = performance.now();
      expect(await answersAtAll({ socketPath }, never)).to.equal(false);
      expect(performance.now() - beganAtMs).to.be.within(900, 3000);
      expect(await answersAtAll({ socketPath: join(folder, "nobody.sock") }, never)).to.equal(false);
    });
  });
});
