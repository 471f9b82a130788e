import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { Ledger } from "../../../core/ledger/ledger.ts";
import { NOT_FOUND_SLOT } from "../../../core/ledger/uuid-index.ts";
import { HEADER_BYTES } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../../core/log/record.ts";
import * as State from "../../../core/values/state.ts";
import { formatUuid, UUID_WORDS } from "../../../core/values/uuid.ts";
import { repair } from "../../../server/journal-cli/repair/repair.ts";
import type { Repaired } from "../../../server/journal-cli/repair/repair-report.ts";
import { CAPACITY, contentsOf, inDirectory, JournalLife, restart } from "../../support/journal-life.ts";
import { forSeeds, type Random } from "../../support/random.ts";
import { TWO_NAMES } from "../../support/terms.ts";

/** Repairs `path` into `out` without asking anybody. */
async function repaired(path: string, out: string): Promise<Repaired> {
  let text = "";
  const wish = {
    command: "repair",
    directory: path,
    out,
    capacity: CAPACITY,
    partitionCount: 2,
    isJson: true,
  } as const;
  const rest = { showsRecords: false, limit: 0, fromLsn: 0, processorUrls: new Map<string, URL>(), toldNames: [] };
  await repair({ ...wish, ...rest }, (line) => {
    text += line;
  });
  return (JSON.parse(text) as Repaired[])[0]!;
}

function idOf(ledger: Ledger, slot: number): string {
  return formatUuid(ledger.rows.correlationIds, slot * UUID_WORDS);
}

/** Everything about a payment that money depends on. */
function factsOf({ rows }: Ledger, slot: number): string {
  const state = rows.state[slot]!;
  const isBound = state === State.SENDING || state === State.IN_DOUBT || state === State.PROCESSED;
  const place = isBound ? ` at ${TWO_NAMES[rows.processor[slot]!]}, ${rows.requestedAtMs(slot)}` : "";
  const end = state === State.PROCESSED ? ` processed ${rows.processedAtMs(slot)}` : "";
  return `${State.NAMES[state]} ${rows.cents[slot]}${place}${end}`;
}

function isLost({ lost }: Repaired, sequence: number): boolean {
  return lost.some(
    ({ fromSequence, toSequence }) => sequence >= fromSequence && sequence <= (toSequence ?? Number.POSITIVE_INFINITY),
  );
}

/**
 * What the new journal vouches for is true, what it does not have is named, and nothing doubtful is taken for
 * processed. Returns how many payments it vouches for.
 */
function expectTruth(report: Repaired, out: string, truth: Ledger): number {
  let vouchedCount = 0;
  const { ledger } = restart(out);
  const doubtful = new Map(report.payments.map((payment) => [payment.correlationId, payment]));
  for (let sequence = truth.tail; sequence < truth.head; sequence++) {
    const slot = truth.slotOf(sequence);
    const id = idOf(truth, slot);
    const ours = ledger.find(truth.rows.correlationIds, slot * UUID_WORDS);
    if (ours === NOT_FOUND_SLOT) {
      expect(isLost(report, sequence), `${id} sequence=${sequence} is neither there nor named`).to.equal(true);
    } else if (doubtful.has(id)) {
      expect([doubtful.get(id)!.sequence, ledger.rows.cents[ours]]).to.deep.equal([sequence, truth.rows.cents[slot]]);
      expect(ledger.rows.state[ours], id).to.be.at.most(State.IN_DOUBT);
    } else {
      expect(factsOf(ledger, ours), `${id} sequence=${sequence}`).to.equal(factsOf(truth, slot));
      vouchedCount++;
    }
  }
  return vouchedCount;
}

/** A journal of several segments, perhaps with a checkpoint. */
function randomJournal(path: string, random: Random): JournalLife {
  const life = new JournalLife(path, random);
  const segmentCount = random.between(2, 5);
  for (let segment = 0; segment < segmentCount; segment++) {
    if (segment > 0) life.rotate();
    life.live(random.between(5, 60));
    if (segment > 0 && random.chance(0.3)) {
      const checkpoint = life.checkpoint();
      while (!checkpoint.isDone && !checkpoint.isStale) {
        checkpoint.step(random.between(1, 9));
        if (random.chance(0.3)) life.live(random.below(5));
      }
      if (checkpoint.isStale) checkpoint.abandon();
      else checkpoint.finish(random.chance(0.3));
    }
  }
  // What was lost at the very end would not be noticed.
  life.live(20);
  life.close();
  return life;
}

type Damage = (bytes: Buffer, random: Random) => Buffer;

function placeIn(bytes: Buffer, random: Random, spare: number): number {
  return random.between(0, Math.max(0, bytes.length - spare - 1));
}

/** The last records stay whole: their loss is what a crash looks like. */
const SPARE_BYTES = 4 * RECORD_BYTES;

const DAMAGES: Readonly<Record<string, Damage>> = {
  "a flipped bit": (bytes, random) => {
    bytes[placeIn(bytes, random, SPARE_BYTES)]! ^= 1 << random.below(8);
    return bytes;
  },
  "a stretch of zeros": (bytes, random) => {
    const at = placeIn(bytes, random, SPARE_BYTES);
    return bytes.fill(0, at, Math.min(at + random.between(1, 600), bytes.length - SPARE_BYTES));
  },
  "bytes cut out": (bytes, random) => {
    const at = placeIn(bytes, random, SPARE_BYTES);
    const end = Math.min(at + random.between(1, 300), bytes.length - SPARE_BYTES);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(at, end))]);
  },
  "bytes that came in between": (bytes, random) => {
    const at = placeIn(bytes, random, SPARE_BYTES);
    const more = Buffer.from(Array.from({ length: random.between(1, 200) }, () => random.below(256)));
    return Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)]);
  },
  "a broken header": (bytes, random) => {
    bytes[random.below(HEADER_BYTES)]! ^= 0xff;
    return bytes;
  },
};

/** Damages random journals and repairs them; much of each must be vouched for, or it would be easy. */
async function expectRepairs(damage: (path: string, random: Random) => void): Promise<void> {
  const seeds: Random[] = [];
  forSeeds(30, (random) => {
    seeds.push(random);
  });
  let [vouchedCount, paymentCount, repairCount] = [0, 0, 0];
  for (const random of seeds) {
    await inDirectory(async (path) => {
      const life = randomJournal(path, random);
      damage(path, random);
      await inDirectory(async (elsewhere) => {
        const out = join(elsewhere, "new");
        const before = contentsOf(path);
        const report = await repaired(path, out);
        expect(contentsOf(path)).to.deep.equal(before);
        if (report.out === undefined) return;
        repairCount++;
        paymentCount += life.ledger.size;
        vouchedCount += expectTruth(report, out, life.ledger);
      });
    });
  }
  expect(repairCount).to.be.at.least(seeds.length / 2);
  expect(vouchedCount).to.be.at.least(paymentCount / 3);
}

function namesIn(path: string): string[] {
  return readdirSync(path)
    .filter((name) => name.endsWith(".journal"))
    .sort();
}

describe("repair of a journal", () => {
  for (const [name, damage] of Object.entries(DAMAGES)) {
    it(`vouches for nothing that is not so, after ${name}`, () =>
      expectRepairs((path, random) => {
        const file = join(path, random.pick(namesIn(path)));
        writeFileSync(file, damage(readFileSync(file), random));
      }));
  }

  it("vouches for nothing that is not so, after a file has gone", () =>
    expectRepairs((path, random) => {
      // Nobody would notice that the last segment is gone.
      rmSync(join(path, random.pick(namesIn(path).slice(0, -1))));
    }));
});
