import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Ledger } from "../../../core/ledger/ledger.ts";
import { makeTotals } from "../../../core/ledger/window-totals.ts";
import { HEADER_BYTES } from "../../../core/log/journal-header.ts";
import type { Expected } from "../../../core/log/recovery-plan.ts";
import { formatUuid, UUID_WORDS } from "../../../core/values/uuid.ts";
import { RecoveryError } from "../../../server/journal/recovery-error.ts";
import { examine } from "../../../server/journal-cli/inspector.ts";
import { repair } from "../../../server/journal-cli/repair/repair.ts";
import { setClock } from "../../../server/journal-cli/set-clock.ts";
import {
  CAPACITY,
  contentsOf,
  directoryOf,
  inDirectory,
  JournalLife,
  OWNER,
  restart,
} from "../../support/journal-life.ts";
import { forSeeds, Random } from "../../support/random.ts";
import { toVersion1 } from "../../support/version-1-journal.ts";

const CALL = {
  capacity: CAPACITY,
  partitionCount: undefined,
  showsRecords: false,
  limit: 1000,
  fromLsn: 0,
  out: "",
  processorUrls: new Map<string, URL>(),
  toldNames: [] as string[],
  isJson: false,
};

function owner(...processors: string[]): Expected {
  return { ...OWNER, processors };
}

/** Where each payment is, and the totals, by name. */
function standing(ledger: Ledger, names: readonly string[]): unknown {
  const { rows } = ledger;
  const totals = makeTotals(ledger.processorCount);
  ledger.sum(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, totals);
  const used = names.map((name, p) => `${name} ${totals[p * 2]} ${totals[p * 2 + 1]}`);
  return {
    payments: Array.from({ length: ledger.size }, (_, i) => {
      const slot = ledger.slotOf(ledger.tail + i);
      const id = formatUuid(rows.correlationIds, slot * UUID_WORDS);
      return `${id} ${rows.state[slot]} at ${names[rows.processor[slot]!] ?? "none"} for ${rows.reason[slot]}`;
    }),
    totals: used.filter((text) => !text.endsWith(" 0 0")).sort(),
  };
}

function shuffled(random: Random, names: readonly string[]): string[] {
  const left = [...names];
  return names.map(() => left.splice(random.below(left.length), 1)[0]!);
}

/** A payment that `processor` has charged, by its number. */
function charge(life: JournalLife, processor: number): void {
  life.accept();
  life.processNewest(10, processor);
  life.write();
}

/** A journal of a, b and c in which each has charged one payment. */
function threeCharges(path: string): JournalLife {
  const life = new JournalLife(path, new Random(1), { expected: owner("a", "b", "c") });
  for (const processor of [0, 1, 2]) charge(life, processor);
  return life;
}

async function printed(act: (print: (line: string) => void) => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  await act((line) => lines.push(line));
  return lines.join("\n");
}

describe("processors' names in a journal", () => {
  it("decide what the numbers mean: in another order, and with new ones before, between and behind", () =>
    inDirectory((path) => {
      const life = threeCharges(path);
      const before = standing(life.ledger, ["a", "b", "c"]);
      life.close();
      for (const names of [
        ["a", "b", "c"],
        ["c", "a", "b"],
        ["a", "b", "c", "d"],
        ["x", "c", "y", "b", "a", "z"],
      ]) {
        const { ledger } = restart(path, owner(...names));
        expect(standing(ledger, names), `${names}`).to.deep.equal(before);
        expect(ledger.processorCount).to.equal(names.length);
      }
    }));

  it("keep every payment where it is over many lives, with 1 to 16 of them, in checkpoints and segments", () => {
    forSeeds(25, (random) =>
      inDirectory((path) => {
        const pool = Array.from({ length: random.pick([1, 2, 3, 16]) }, (_, i) => `p${i}`);
        let names = pool.slice(0, random.between(1, pool.length));
        let life = new JournalLife(path, random, { expected: owner(...names) });
        for (let lives = 0; lives < 5; lives++) {
          life.live(random.between(5, 60));
          life.rotate();
          if (random.chance(0.5)) life.checkpointNow();
          life.live(random.between(0, 20));
          const before = standing(life.ledger, names);
          life.close();
          names = shuffled(random, pool.slice(0, random.between(names.length, pool.length)));
          const expected = owner(...shuffled(random, [...new Set([...names, ...life.names])]));
          names = [...expected.processors];
          const from = restart(path, expected);
          expect(standing(from.ledger, names)).to.deep.equal(before);
          life = new JournalLife(path, random, { expected, from });
        }
        life.close();
      }),
    );
  });

  for (const [what, names] of [
    ["one that is missing", ["a", "b"]],
    ["one that has another name now", ["a", "b", "c2"]],
  ] as const) {
    it(`refuse a start without ${what} while its payments are kept, and leave everything as it was`, () =>
      inDirectory((path) => {
        threeCharges(path).close();
        const before = contentsOf(path);
        expect(() => restart(path, owner(...names))).to.throw(
          RecoveryError,
          "a processor that kept payments were sent to must be configured, by its name, until they are purged or " +
            `dropped by retention: missing=c (1 payment) configured=${names.join(", ")} directory=${path}`,
        );
        expect(contentsOf(path)).to.deep.equal(before);
      }));
  }

  it("count payments in whatever state, and name every processor that is missing", () =>
    inDirectory((path) => {
      const life = threeCharges(path);
      life.accept();
      life.sendNewest(2);
      life.accept();
      life.write();
      life.close();
      expect(() => restart(path, owner("a"))).to.throw(RecoveryError, "missing=b (1 payment), c (2 payments)");
    }));

  for (const gone of ["purged", "evicted"] as const) {
    for (const hasCheckpoint of [false, true]) {
      const place = hasCheckpoint ? "in a checkpoint" : "in segments";
      it(`may go once its payments are ${gone}, though it is still named ${place}`, () =>
        inDirectory((path) => {
          const life = new JournalLife(path, new Random(1), { expected: owner("c", "a") });
          charge(life, 0);
          life.rotate();
          if (hasCheckpoint) life.checkpointNow();
          if (gone === "purged") life.purge();
          else life.evictBefore(1);
          charge(life, 1);
          const { payments } = standing(life.ledger, ["c", "a"]) as { payments: string[] };
          life.close();
          const { ledger, recovered } = restart(path, owner("a"));
          expect(payments).to.have.length(1);
          expect(standing(ledger, ["a"])).to.deep.include({ payments });
          expect([ledger.processorCount, ledger.size]).to.deep.equal([1, 1]);
          const next = new JournalLife(path, new Random(2), { expected: owner("a"), from: { ledger, recovered } });
          charge(next, 0);
          next.close();
          expect(restart(path, owner("b", "a")).ledger.size).to.equal(2);
        }));
    }
  }

  it("are default and fallback in version 1", () =>
    inDirectory((path) => {
      const life = new JournalLife(path, new Random(5));
      life.live(60);
      const before = standing(life.ledger, OWNER.processors);
      life.close();
      toVersion1(directoryOf(path));
      const names = ["fallback", "new", "default"];
      expect(standing(restart(path, owner(...names)).ledger, names)).to.deep.equal(before);
    }));

  it("leave no payment to a number that its file does not name", () =>
    inDirectory((path) => {
      const life = new JournalLife(path, new Random(1), { expected: owner("b", "a") });
      charge(life, 7);
      life.close();
      for (const names of [
        ["b", "a"],
        ["a", "b"],
      ])
        expect(() => restart(path, owner(...names))).to.throw(RecoveryError, "records speak of processors that");
    }));
});

describe("journal command, with processors in different orders", () => {
  /** Payments at a, b and c; the last file has another order, and one more. */
  function reordered(path: string): JournalLife {
    const first = threeCharges(path);
    first.rotate();
    charge(first, 2);
    first.close();
    const expected = owner("d", "c", "b", "a");
    const life = new JournalLife(path, new Random(2), { expected, from: restart(path, expected) });
    charge(life, 1);
    charge(life, 0);
    life.close();
    return life;
  }

  it("verify and inspect know every file's own names, and say where payments are", () =>
    inDirectory(async (path) => {
      reordered(path);
      const verdict = await printed((print) => examine({ ...CALL, command: "verify", directory: path }, print));
      expect(verdict).to.equal(`${path}: starts: payments=6 nextLsn=18 nextSegment=4`);
      const wish = { ...CALL, command: "inspect", directory: path, showsRecords: true } as const;
      const text = await printed((print) => examine(wish, print));
      expect(text).to.match(/segment-0000000002\.journal .* a b c\n.*segment-0000000003\.journal .* d c b a\n/);
      expect(text).to.include("kept at   d=1 c=3 b=1 a=1 none=0");
      const sent = [...text.matchAll(/ sending .* processor=(\S+)/g)].map(([, name]) => name);
      expect(sent).to.deep.equal(["a", "b", "c", "c", "c", "d"]);
    }));

  it("set-clock writes the names that the last start had", () =>
    inDirectory(async (path) => {
      const life = reordered(path);
      const expected = owner("e", ...life.names);
      const wrong = new JournalLife(path, new Random(3), { expected, from: restart(path, expected) });
      wrong.wait(2 ** 42);
      charge(wrong, 0);
      const before = standing(wrong.ledger, expected.processors);
      wrong.close();
      await printed((print) => setClock({ ...CALL, command: "set-clock", directory: path }, print));
      const header = directoryOf(path)
        .files()
        .sort((a, b) => b.number - a.number)[0]!.header;
      expect(header).to.deep.include({ processors: ["e", "d", "c", "b", "a"] });
      const names = ["a", "b", "c", "d", "e"];
      expect(standing(restart(path, owner(...names)).ledger, names)).to.deep.equal(before);
    }));

  /** What a repair makes of the journal, by name; `damaged`: files that lose a bit of this byte. */
  async function repaired(
    path: string,
    damaged: Record<string, number>,
    toldNames: string[] = [],
  ): Promise<{ text: string; standing: unknown }> {
    for (const [name, byte] of Object.entries(damaged)) {
      const bytes = readFileSync(join(path, name));
      bytes[byte]! ^= 1;
      writeFileSync(join(path, name), bytes);
    }
    return inDirectory(async (elsewhere) => {
      const out = join(elsewhere, "new");
      const text = await printed((print) =>
        repair({ ...CALL, command: "repair", directory: path, out, toldNames }, print),
      );
      const names = ["a", "b", "c", "d"];
      return { text, standing: standing(restart(out, owner(...names)).ledger, names) };
    });
  }

  it("repair puts every record under its processor", () =>
    inDirectory(async (path) => {
      const life = reordered(path);
      const before = standing(life.ledger, life.names);
      // The last record of all: an answer, whose payment is then known as sent.
      const last =
        directoryOf(path)
          .files()
          .find(({ number }) => number === 3)!.bytes - 1;
      const { text, standing: after } = await repaired(path, { "segment-0000000003.journal": last });
      expect(text).to.include("no sound record follows");
      const { payments } = after as { payments: string[] };
      expect(payments.slice(0, 5)).to.deep.equal((before as { payments: string[] }).payments.slice(0, 5));
      expect(payments[5]).to.match(/ at d for /);
    }));

  it("repair knows whose names a file without a header has by those of the same carrier beside it", () =>
    inDirectory(async (path) => {
      const first = threeCharges(path);
      for (let segment = 0; segment < 2; segment++) {
        first.rotate();
        charge(first, segment);
      }
      first.close();
      const expected = owner("d", "c", "b", "a");
      const life = new JournalLife(path, new Random(2), { expected, from: restart(path, expected) });
      charge(life, 0);
      const before = standing(life.ledger, life.names);
      life.close();
      const { text, standing: after } = await repaired(path, { "segment-0000000002.journal": 20 });
      expect(text).to.include("damage    segment-0000000002.journal: the header's checksum must agree");
      expect(text).not.to.include("are taken to be");
      expect(after).to.deep.equal(before);
    }));

  it("repair says where it takes a file's names from all others, and an operator may know better", () =>
    inDirectory(async (path) => {
      const life = reordered(path);
      const before = standing(life.ledger, life.names);
      const damage = { "segment-0000000003.journal": HEADER_BYTES - 1 };
      const { text } = await repaired(path, damage);
      expect(text).to.include("damage    segment-0000000003.journal: its processors are taken to be a b c");
      const told = await repaired(path, {}, ["d", "c", "b", "a"]);
      expect(told.text).to.include("its processors are taken to be d c b a");
      expect(told.standing).to.deep.equal(before);
    }));

  it("repair does nothing where files do not agree and nobody tells it", () =>
    inDirectory(async (path) => {
      const life = reordered(path);
      const before = standing(life.ledger, life.names);
      const damage = { "segment-0000000002.journal": 20 };
      const refused = await repaired(path, damage).then(
        () => "repaired",
        ({ message }: Error) => message,
      );
      expect(refused).to.equal(
        "the processors of a file are not known: file=segment-0000000002.journal; " +
          "name them with --names NAME,NAME…",
      );
      expect((await repaired(path, {}, ["a", "b", "c"])).standing).to.deep.equal(before);
    }));
});
