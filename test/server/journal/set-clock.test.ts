import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { DirectoryLock } from "../../../server/system/directory-lock.ts";
import { contentsOf, inDirectory, JournalLife, portrait, restart } from "../../support/journal-life.ts";
import { NOON_MS } from "../../support/payments.ts";
import { Random } from "../../support/random.ts";

const MAIN = fileURLToPath(new URL("../../../server/journal-cli/main.js", import.meta.url));
const WRONG_MS = Date.UTC(2098, 0, 1);

type Run = { code: number; out: string; errors: string };

function run(command: string, path: string): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, command, path], (error, out, errors) => {
      resolve({ code: error ? Number(error.code) : 0, out, errors });
    });
  });
}

function wrongJournal(path: string): JournalLife {
  const life = new JournalLife(path, new Random(1));
  life.accept();
  life.wait(WRONG_MS - NOON_MS);
  life.accept();
  life.processNewest(10);
  life.write();
  life.close();
  return life;
}

describe("journal set-clock", () => {
  it("lets time begin again at the clock, and leaves the payments as they were", () =>
    inDirectory(async (path) => {
      const life = wrongJournal(path);
      expect((await run("verify", path)).out).to.match(/refused: the journal's latest time may be at most 24 h ahead/);
      const beforeMs = Date.now();
      const { code, out } = await run("set-clock", path);
      expect(out).to.match(/: time begins again: at=\S+Z before=2098-01-01T00:00:00\.020Z\n$/);
      expect(code).to.equal(0);
      const { ledger, recovered } = restart(path);
      expect(recovered.latestMs).to.be.within(beforeMs, Date.now());
      expect(portrait(ledger)).to.deep.equal(portrait(life.ledger));
      expect(recovered).to.deep.include({ epoch: 2, nextNumber: 3 });
      expect((await run("verify", path)).out).to.include("starts: payments=2");
      expect((await run("inspect", path)).out).to.include("clock=1");
    }));

  it("does nothing where the journal's time is not ahead of the clock", () =>
    inDirectory(async (path) => {
      const life = new JournalLife(path, new Random(1));
      life.live(20);
      life.close();
      const before = contentsOf(path);
      const { code, out } = await run("set-clock", path);
      expect(out).to.include("nothing to do: its time is not ahead of the clock: journal=2025-07-15T12:00:0");
      expect([code, contentsOf(path)]).to.deep.equal([0, before]);
    }));

  it("stays away from a journal that is in use, and from one that would be refused for another reason", () =>
    inDirectory(async (path) => {
      wrongJournal(path);
      const lock = await DirectoryLock.take(path);
      const before = contentsOf(path);
      const used = await run("set-clock", path);
      await lock.release();
      expect(used.errors).to.include("the directory is in use by another process");
      const small = await new Promise<Run>((resolve) => {
        execFile(process.execPath, [MAIN, "set-clock", path, "--capacity", "1"], (error, out, errors) =>
          resolve({ code: error ? Number(error.code) : 0, out, errors }),
        );
      });
      expect(small.errors).to.include("must fit CAPACITY");
      expect([used.code, small.code]).to.deep.equal([2, 2]);
      expect(contentsOf(path)).to.deep.equal(before);
    }));
});
