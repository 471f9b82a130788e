import { expect } from "chai";
import { type CheckpointInSteps, inDirectory, JournalLife, portrait, restart } from "../../support/journal-life.ts";
import { forSeeds, type Random } from "../../support/random.ts";

/** Everything that can happen to a journal but damage, in any order. */
class RandomLife {
  readonly #path: string;
  readonly #random: Random;
  #life: JournalLife;
  #checkpoint: CheckpointInSteps | undefined;

  constructor(path: string, random: Random) {
    this.#path = path;
    this.#random = random;
    this.#life = new JournalLife(path, random);
  }

  step(): void {
    const random = this.#random;
    if (random.chance(0.5)) this.#life.live(random.below(30));
    if (random.chance(0.1)) this.#life.rotate();
    if (this.#checkpoint === undefined) {
      if (random.chance(0.15)) this.#checkpoint = this.#life.checkpoint();
    } else {
      this.#goOn(this.#checkpoint);
    }
    if (random.chance(0.1)) this.#restart();
  }

  /** The ledger rebuilt from the files is the one whose records they hold. */
  check(): void {
    const { ledger, recovered } = restart(this.#path);
    expect(portrait(ledger)).to.deep.equal(portrait(this.#life.ledger));
    expect(recovered.lsn).to.equal(this.#life.journal.lsn);
    expect(recovered.latestMs).to.be.at.most(this.#life.nowMs);
  }

  close(): void {
    this.#life.close();
  }

  #goOn(checkpoint: CheckpointInSteps): void {
    if (checkpoint.isStale) {
      checkpoint.abandon();
      this.#checkpoint = undefined;
    } else if (checkpoint.isDone) {
      checkpoint.finish(this.#random.chance(0.3));
      this.#checkpoint = undefined;
    } else {
      checkpoint.step(this.#random.between(1, 20));
    }
  }

  /** As after a `kill -9`: a checkpoint under way is lost, everything written stays. */
  #restart(): void {
    this.#life.close();
    this.#checkpoint = undefined;
    this.#life = new JournalLife(this.#path, this.#random, { from: restart(this.#path) });
  }
}

describe("journal, recovered at any moment", () => {
  it("gives the ledger that wrote it, whatever rotations, checkpoints, purges and restarts came between", () => {
    forSeeds(40, (random) => {
      inDirectory((path) => {
        const life = new RandomLife(path, random);
        for (let step = 0; step < 60; step++) {
          life.step();
          life.check();
        }
        life.close();
      });
    });
  });
});
