import {
  appendFileSync,
  copyFileSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { HEADER_BYTES } from "../../../core/log/journal-header.ts";
import { RECORD_BYTES } from "../../../core/log/record.ts";
import { RecoveryError } from "../../../server/journal/recovery-error.ts";
import {
  CAPACITY,
  contentsOf,
  directoryOf,
  inDirectory,
  JournalLife,
  OWNER,
  portrait,
  restart,
  tidyNow,
} from "../../support/journal-life.ts";
import { Random } from "../../support/random.ts";

const segmentName = (number: number): string => `segment-000000000${number}.journal`;
const checkpointName = (number: number): string => `checkpoint-000000000${number}.journal`;

/** A directory with three segments of 40 steps each; the ledger is what they say. */
function threeSegments(path: string): JournalLife {
  const life = new JournalLife(path, new Random(1));
  for (let segment = 1; segment <= 3; segment++) {
    if (segment > 1) life.rotate();
    life.live(40);
  }
  life.close();
  return life;
}

/** As `threeSegments`, with a checkpoint in place of the first two. */
function checkpointed(path: string): JournalLife {
  const life = new JournalLife(path, new Random(2));
  life.live(40);
  life.rotate();
  life.live(40);
  life.rotate();
  life.live(20);
  life.checkpointNow();
  life.live(20);
  life.close();
  return life;
}

/** The damage is found, told, and nothing in the directory is touched. */
function expectRefusal(path: string, message: string | RegExp, expected = OWNER, capacity = CAPACITY): void {
  const before = contentsOf(path);
  expect(() => restart(path, expected, capacity)).to.throw(RecoveryError, message);
  expect(contentsOf(path)).to.deep.equal(before);
}

/** Nothing is lost, and a second start after the first has tidied up finds the same. */
function expectRestart(path: string, life: JournalLife): void {
  const first = restart(path);
  expect(portrait(first.ledger)).to.deep.equal(portrait(life.ledger));
  expect(first.recovered.lsn).to.equal(life.journal.lsn);
  tidyNow(directoryOf(path), first.recovered);
  const second = restart(path);
  expect(portrait(second.ledger)).to.deep.equal(portrait(life.ledger));
  expect(second.recovered).to.deep.include({ torn: undefined, obsolete: [], lsn: first.recovered.lsn });
}

function edit(path: string, offset: number, change: (byte: number) => number): void {
  const bytes = readFileSync(path);
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = change(bytes[at]!);
  writeFileSync(path, bytes);
}

describe("recovery of a journal directory", () => {
  it("begins a new journal where there is nothing", () => {
    inDirectory((path) => {
      const { ledger, recovered } = restart(path);
      expect(ledger.head).to.equal(0);
      const nothing = { nextNumber: 1, lsn: 0, epoch: 0, latestMs: 0, torn: undefined, obsolete: [], unsafe: [] };
      expect(recovered).to.deep.equal(nothing);
    });
  });

  it("replays every segment, trails included", () => {
    inDirectory((path) => {
      const life = threeSegments(path);
      expectRestart(path, life);
      const { ledger, recovered } = restart(path);
      expect(recovered.latestMs).to.equal(life.latestMs);
      for (let slot = 0; slot < ledger.size; slot++) expect(ledger.trail(slot)).to.deep.equal(life.ledger.trail(slot));
    });
  });

  it("goes on where the last life ended", () => {
    inDirectory((path) => {
      threeSegments(path);
      const life = new JournalLife(path, new Random(3), { from: restart(path) });
      expect(life.journal.number).to.equal(4);
      life.live(50);
      expectRestart(path, life);
      life.close();
    });
  });

  it("ignores files that are not the journal's", () => {
    inDirectory((path) => {
      const life = threeSegments(path);
      writeFileSync(join(path, "notes.txt"), "not ours");
      writeFileSync(join(path, "segment-1.journal"), "nor this");
      expectRestart(path, life);
      expect(readFileSync(join(path, "notes.txt"), "utf8")).to.equal("not ours");
    });
  });

  describe("cuts off what was never acknowledged", () => {
    it("when the last record is torn, at every byte of it", () => {
      inDirectory((path) => {
        const life = threeSegments(path);
        const last = join(path, segmentName(3));
        const whole = readFileSync(last);
        truncateSync(last, whole.length - RECORD_BYTES);
        const before = portrait(restart(path).ledger);
        for (let bytes = 1; bytes < RECORD_BYTES; bytes++) {
          writeFileSync(last, whole.subarray(0, whole.length - RECORD_BYTES + bytes));
          const { ledger, recovered } = restart(path);
          expect(portrait(ledger)).to.deep.equal(before);
          const soundBytes = whole.length - RECORD_BYTES;
          expect(recovered.torn).to.deep.equal({ name: segmentName(3), fileBytes: soundBytes + bytes, soundBytes });
          expect(recovered.lsn).to.equal(life.journal.lsn - 1);
          tidyNow(directoryOf(path), recovered);
          expect(statSync(last).size).to.equal(soundBytes);
          expect(restart(path).recovered.torn).to.equal(undefined);
        }
      });
    });

    it("when the file ends in zeros, however many", () => {
      inDirectory((path) => {
        const life = threeSegments(path);
        const last = join(path, segmentName(3));
        const whole = readFileSync(last);
        for (const zeros of [1, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1, 4096, 1_000_000]) {
          writeFileSync(last, Buffer.concat([whole, Buffer.alloc(zeros)]));
          expect(restart(path).recovered.torn?.soundBytes, `zeros=${zeros}`).to.equal(whole.length);
          expectRestart(path, life);
        }
      });
    });

    it("when the process died while it created the next segment", () => {
      for (const bytes of [0, 1, 47, 48, HEADER_BYTES - 1]) {
        inDirectory((path) => {
          const life = threeSegments(path);
          const header = readFileSync(join(path, segmentName(3))).subarray(0, bytes);
          writeFileSync(join(path, segmentName(4)), header);
          expect(restart(path).recovered).to.deep.include({ nextNumber: 4 });
          expectRestart(path, life);
          expect(directoryOf(path).files()).to.have.length(3);
        });
      }
    });

    it("when the machine died before the next segment's header was on the disk", () => {
      for (const bytes of [HEADER_BYTES, 5 * RECORD_BYTES, 4096]) {
        inDirectory((path) => {
          const life = threeSegments(path);
          writeFileSync(join(path, segmentName(4)), Buffer.alloc(bytes));
          expectRestart(path, life);
          expect(directoryOf(path).files()).to.have.length(3);
        });
      }
    });

    it("when the very first segment was never written", () => {
      inDirectory((path) => {
        writeFileSync(join(path, segmentName(1)), "");
        const { recovered } = restart(path);
        expect(recovered).to.deep.include({ nextNumber: 1, lsn: 0 });
        tidyNow(directoryOf(path), recovered);
        new JournalLife(path, new Random(1)).close();
      });
    });
  });

  describe("refuses, and changes nothing,", () => {
    const places = [
      ["the first", () => HEADER_BYTES],
      ["a record in the middle", () => HEADER_BYTES + 5 * RECORD_BYTES],
      ["the last", () => -RECORD_BYTES],
    ] as const;
    for (const number of [1, 2, 3]) {
      for (const [what, offsetOf] of places) {
        it(`any flipped bit in ${what} of segment ${number}`, () => {
          inDirectory((path) => {
            threeSegments(path);
            const file = join(path, segmentName(number));
            for (let byte = 0; byte < RECORD_BYTES; byte += 5) {
              edit(file, offsetOf() + byte, (value) => value ^ (1 << (byte % 8)));
              expectRefusal(path, `a record is damaged that may have been acknowledged: file=${segmentName(number)}`);
              edit(file, offsetOf() + byte, (value) => value ^ (1 << (byte % 8)));
            }
          });
        });
      }
    }

    it("a damaged record, and says where it is", () => {
      inDirectory((path) => {
        threeSegments(path);
        edit(join(path, segmentName(2)), HEADER_BYTES + 3 * RECORD_BYTES + 20, (byte) => byte ^ 1);
        expectRefusal(path, `file=${segmentName(2)} offset=${HEADER_BYTES + 3 * RECORD_BYTES} directory=${path}`);
      });
    });

    it("zeros with something sound after them", () => {
      inDirectory((path) => {
        threeSegments(path);
        const file = join(path, segmentName(3));
        const bytes = readFileSync(file);
        bytes.fill(0, bytes.length - 3 * RECORD_BYTES, bytes.length - 2 * RECORD_BYTES);
        writeFileSync(file, bytes);
        expectRefusal(path, "a record is damaged that may have been acknowledged");
      });
    });

    it("a damaged record with a torn one after it", () => {
      inDirectory((path) => {
        threeSegments(path);
        const file = join(path, segmentName(3));
        edit(file, -10, (byte) => byte ^ 1);
        appendFileSync(file, Buffer.alloc(17, 1));
        expectRefusal(path, "a record is damaged that may have been acknowledged");
      });
    });

    it("a record that stands twice", () => {
      inDirectory((path) => {
        threeSegments(path);
        const file = join(path, segmentName(3));
        appendFileSync(file, readFileSync(file).subarray(-RECORD_BYTES));
        expectRefusal(path, "a record is damaged that may have been acknowledged");
      });
    });

    it("a segment but the newest that ends early, at a record's end or within one", () => {
      for (const bytes of [RECORD_BYTES, 1, RECORD_BYTES + 7]) {
        inDirectory((path) => {
          threeSegments(path);
          const file = join(path, segmentName(2));
          truncateSync(file, statSync(file).size - bytes);
          expectRefusal(path, /segments follow each other|only the newest segment may end early/);
        });
      }
    });

    it("a missing segment, first or between others", () => {
      for (const number of [1, 2]) {
        inDirectory((path) => {
          threeSegments(path);
          rmSync(join(path, segmentName(number)));
          expectRefusal(path, `no segment may be missing: number=${number}`);
        });
      }
    });

    it("segments that have changed places", () => {
      inDirectory((path) => {
        threeSegments(path);
        renameSync(join(path, segmentName(1)), join(path, "aside"));
        renameSync(join(path, segmentName(2)), join(path, segmentName(1)));
        renameSync(join(path, "aside"), join(path, segmentName(2)));
        expectRefusal(path, `a file's name and header must agree: file=${segmentName(1)}`);
      });
    });

    it("a segment that is there twice", () => {
      inDirectory((path) => {
        threeSegments(path);
        copyFileSync(join(path, segmentName(3)), join(path, segmentName(4)));
        expectRefusal(path, `a file's name and header must agree: file=${segmentName(4)}`);
      });
    });

    it("a segment of another journal of the same instance", () => {
      inDirectory((path) => {
        threeSegments(path);
        inDirectory((other) => {
          const life = new JournalLife(other, new Random(9));
          life.rotate();
          life.live(70);
          life.close();
          copyFileSync(join(other, segmentName(2)), join(path, segmentName(2)));
        });
        expectRefusal(path, `segments follow each other: file=${segmentName(2)} firstLsn=0`);
      });
    });

    it("an empty file that is not the newest", () => {
      inDirectory((path) => {
        threeSegments(path);
        truncateSync(join(path, segmentName(2)));
        expectRefusal(path, `every file but the newest segment has a header: file=${segmentName(2)}`);
      });
    });

    it("another version, and says which", () => {
      inDirectory((path) => {
        threeSegments(path);
        edit(join(path, segmentName(3)), 8, () => 3);
        expectRefusal(path, `the format version must be 1 or 2: version=3: file=${segmentName(3)}`);
      });
    });

    it("any flipped bit of the newest segment's header", () => {
      inDirectory((path) => {
        threeSegments(path);
        const file = join(path, segmentName(3));
        for (let byte = 0; byte < HEADER_BYTES; byte++) {
          edit(file, byte, (value) => value ^ 0x10);
          expectRefusal(path, `file=${segmentName(3)}`);
          edit(file, byte, (value) => value ^ 0x10);
        }
      });
    });

    it("a newest segment whose header is zeros but whose records are not", () => {
      inDirectory((path) => {
        threeSegments(path);
        const file = join(path, segmentName(3));
        const bytes = readFileSync(file);
        writeFileSync(file, bytes.fill(0, 0, HEADER_BYTES));
        expectRefusal(path, `file=${segmentName(3)}`);
      });
    });

    it("what belongs to another partition, or another number of partitions", () => {
      inDirectory((path) => {
        threeSegments(path);
        const rule = "the journal belongs to another partition or another number of partitions";
        expectRefusal(path, rule, { ...OWNER, partition: 1 });
        expectRefusal(path, rule, { ...OWNER, partitionCount: 1 });
      });
    });

    it("more payments than fit, from segments and from a checkpoint", () => {
      inDirectory((path) => {
        const life = new JournalLife(path, new Random(4));
        for (let i = 0; i < 20; i++) life.accept();
        life.write();
        expectRefusal(path, "the journal's payments must fit CAPACITY: capacity=19", OWNER, 19);
        life.rotate();
        life.checkpointNow();
        life.close();
        expectRefusal(path, "the checkpoint must fit CAPACITY: capacity=19", OWNER, 19);
        expect(restart(path, OWNER, 20).ledger.size).to.equal(20);
      });
    });
  });

  describe("from a checkpoint", () => {
    it("goes on as if every segment were still there", () => {
      inDirectory((path) => {
        const life = checkpointed(path);
        expect(
          directoryOf(path)
            .files()
            .map(({ name }) => name),
        ).to.have.members([checkpointName(3), segmentName(3)]);
        expectRestart(path, life);
      });
    });

    it("removes what is left of older ones, and of one being written", () => {
      inDirectory((path) => {
        const life = new JournalLife(path, new Random(5));
        for (let round = 0; round < 3; round++) {
          life.live(30);
          life.rotate();
          const checkpoint = life.checkpoint();
          while (!checkpoint.isDone) checkpoint.step(9);
          checkpoint.finish(true);
        }
        life.live(10);
        life.checkpoint().step(3);
        life.close();
        expectRestart(path, life);
        const names = directoryOf(path)
          .files()
          .map(({ name }) => name);
        expect(names).to.have.members([checkpointName(4), segmentName(4)]);
        expect(() => statSync(join(path, "checkpoint-0000000004.partial"))).to.throw("ENOENT");
      });
    });

    it("is refused when its closing slice is missing, wherever it ends", () => {
      inDirectory((path) => {
        checkpointed(path);
        const file = join(path, checkpointName(3));
        const whole = readFileSync(file);
        for (let bytes = HEADER_BYTES; bytes < whole.length; bytes += RECORD_BYTES) {
          writeFileSync(file, whole.subarray(0, bytes));
          expectRefusal(path, `a checkpoint must be whole: file=${checkpointName(3)}`);
        }
        for (const bytes of [0, 20, HEADER_BYTES - 1]) {
          writeFileSync(file, whole.subarray(0, bytes));
          expectRefusal(path, `every file but the newest segment has a header: file=${checkpointName(3)}`);
        }
      });
    });

    it("is refused with any record damaged, or with something after its end", () => {
      inDirectory((path) => {
        checkpointed(path);
        const file = join(path, checkpointName(3));
        const whole = readFileSync(file);
        for (let offset = HEADER_BYTES + 11; offset < whole.length; offset += RECORD_BYTES) {
          edit(file, offset, (byte) => byte ^ 4);
          expectRefusal(path, "a checkpoint's records must be sound: record=");
          edit(file, offset, (byte) => byte ^ 4);
        }
        appendFileSync(file, Buffer.alloc(RECORD_BYTES));
        expectRefusal(path, "a checkpoint's records must be sound: record=");
      });
    });

    it("is refused when the segment after it is missing", () => {
      inDirectory((path) => {
        checkpointed(path);
        rmSync(join(path, segmentName(3)));
        expectRefusal(path, "the segment after a checkpoint must be there: number=3");
      });
    });

    it("is refused when the log does not reach what the checkpoint knows", () => {
      inDirectory((path) => {
        const life = checkpointed(path);
        const file = join(path, segmentName(3));
        truncateSync(file, HEADER_BYTES + RECORD_BYTES);
        expectRefusal(path, /the log .* checkpoint/);
        expect(life.journal.number).to.equal(3);
      });
    });

    it("does not purge again what was purged in its first segment before it was begun", () => {
      inDirectory((path) => {
        const life = new JournalLife(path, new Random(6));
        life.live(20);
        life.rotate();
        life.purge();
        for (let i = 0; i < 10; i++) life.accept();
        life.write();
        life.checkpointNow();
        life.accept();
        life.write();
        life.close();
        expectRestart(path, life);
        expect(restart(path).ledger.size).to.equal(11);
      });
    });

    it("does not take times of a row's earlier payment for its own", () => {
      inDirectory((path) => {
        const life = new JournalLife(path, new Random(8), { capacity: 1 });
        life.accept();
        life.process(3_600_000);
        life.purge();
        life.accept();
        life.write();
        life.rotate();
        life.checkpointNow();
        life.close();
        expect(restart(path, OWNER, 1).recovered.latestMs).to.equal(life.nowMs);
      });
    });
  });
});
