import { expect } from "chai";
import { EvenSharing, FixedSharing, type Situation } from "../../../server/partition/sharing.ts";
import { Random } from "../../support/random.ts";

type Owners = (number | undefined)[];

const nobody = (partitionCount: number): Owners => Array.from({ length: partitionCount }, () => undefined);

/** By partition. */
function planOf(situation: Situation): number[] {
  const sharing = new EvenSharing(situation.owners.length, situation.members[0]!);
  sharing.share(situation);
  return situation.owners.map((_, partition) => sharing.preferredOf(partition));
}

function countsOf(members: readonly number[], owners: Owners): number[] {
  return members.map((member) => owners.filter((owner) => owner === member).length);
}

/** Owners that differ by one at most. */
function expectEven(members: readonly number[], owners: Owners, why: string): void {
  const counts = countsOf(members, owners);
  expect(Math.max(...counts) - Math.min(...counts), why).to.be.at.most(1);
  expect(
    counts.reduce((sum, count) => sum + count),
    why,
  ).to.equal(owners.length);
}

function movesFrom(owners: Owners, plan: readonly number[]): number[] {
  return plan.flatMap((member, partition) => (owners[partition] === member ? [] : [partition]));
}

/** Some of the numbers that instances can have, in order. */
function someMembers(random: Random, countMax = 16): number[] {
  const numbers = new Set<number>();
  const count = 1 + random.below(countMax);
  while (numbers.size < count) numbers.add(random.chance(0.5) ? random.below(countMax * 2) : random.below(256));
  return [...numbers].sort((a, b) => a - b);
}

/** Partitions that any of the members has, or one that is gone, or nobody. */
function someOwners(random: Random, members: readonly number[], partitionCount: number): Owners {
  const favourite = random.pick(members);
  return Array.from({ length: partitionCount }, () => {
    if (random.chance(0.2)) return undefined;
    if (random.chance(0.1)) return 999;
    return random.chance(0.4) ? favourite : random.pick(members);
  });
}

const SEEDS = Array.from({ length: 400 }, (_, i) => i + 1);

describe("even sharing", () => {
  for (const count of [1, 2, 3, 4, 6, 12])
    it(`of twelve partitions among ${count} that start together is the balancer's`, () => {
      const members = Array.from({ length: count }, (_, i) => 3 * i + 1);
      const owners = nobody(12);
      const plan = planOf({ members, owners });
      expect(plan).to.deep.equal(owners.map((_, partition) => members[partition % count]));
      // Whoever is the first to carry some of its own changes nothing.
      for (const seed of SEEDS.slice(0, 50)) {
        const random = new Random(seed);
        const some = plan.map((member) => (random.chance(0.5) ? member : undefined));
        expect(planOf({ members, owners: some }), `seed=${seed}`).to.deep.equal(plan);
      }
    });

  it("gives the first ones one more where that cannot be the same for all", () => {
    expect(planOf({ members: [0, 1, 2, 3, 4], owners: nobody(12) })).to.deep.equal([
      0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1,
    ]);
  });

  it("gives one that joins its share, rather what the balancer will ask it for, and moves nothing else", () => {
    const owners = planOf({ members: [0, 1], owners: nobody(12) });
    const plan = planOf({ members: [0, 1, 2], owners });
    expect(movesFrom(owners, plan)).to.deep.equal([2, 5, 8, 11]);
    expect(countsOf([0, 1, 2], plan)).to.deep.equal([4, 4, 4]);
  });

  it("gives the others what one had that left, and moves nothing else", () => {
    const owners = planOf({ members: [0, 1, 2], owners: nobody(12) });
    const plan = planOf({ members: [0, 2], owners });
    expect(movesFrom(owners, plan)).to.deep.equal([1, 4, 7, 10]);
    expect(countsOf([0, 2], plan)).to.deep.equal([6, 6]);
  });

  it("is even from any state, with as few moves as can be", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const members = someMembers(random);
      const owners = someOwners(random, members, 1 + random.below(64));
      const plan = planOf({ members, owners });
      expectEven(members, plan, `seed=${seed}`);
      // Owners keep as much as they can: one more than the least share for as many as it takes.
      const least = Math.floor(owners.length / members.length);
      const more = owners.length - least * members.length;
      const counts = countsOf(members, owners);
      const beyond = counts.filter((count) => count > least).length;
      const kept = counts.reduce((sum, count) => sum + Math.min(count, least), 0) + Math.min(beyond, more);
      expect(movesFrom(owners, plan).length, `seed=${seed}`).to.equal(owners.length - kept);
    }
  });

  it("moves exactly the share of one that joins, or of one that leaves", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const members = someMembers(random, 12);
      const owners: Owners = planOf({ members, owners: nobody(members.length + random.below(60)) });
      const joiner = 300;
      const joined = planOf({ members: [...members, joiner], owners });
      const toJoiner = movesFrom(owners, joined);
      expect(
        toJoiner.every((partition) => joined[partition] === joiner),
        `seed=${seed}`,
      ).to.equal(true);
      if (members.length === 1) continue;
      const leaver = random.pick(members);
      const left = planOf({ members: members.filter((member) => member !== leaver), owners });
      const fromLeaver = movesFrom(owners, left);
      expect(
        fromLeaver.every((partition) => owners[partition] === leaver),
        `seed=${seed}`,
      ).to.equal(true);
    }
  });

  it("goes on as planned, whichever moves are made and whichever are under way", () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      const members = someMembers(random);
      const owners = someOwners(random, members, 1 + random.below(64));
      const plan = planOf({ members, owners });
      const state = [...owners];
      const moves = movesFrom(owners, plan);
      for (let step = 0; moves.length > 0; step++) {
        const index = random.below(moves.length);
        const partition = moves[index]!;
        if (state[partition] === undefined || random.chance(0.3)) {
          state[partition] = plan[partition];
          moves.splice(index, 1);
        } else state[partition] = undefined;
        expect(planOf({ members, owners: state }), `seed=${seed} step=${step}`).to.deep.equal(plan);
      }
      expect(planOf({ members, owners: plan }), `seed=${seed}`).to.deep.equal(plan);
    }
  });

  it("lets everybody stand in once, the preferred one first, and shares out what one leaves to claim", () => {
    const members = [1, 4, 6, 9];
    const sharing = new EvenSharing(12, 1);
    sharing.share({ members, owners: nobody(12) });
    const orders = Array.from({ length: 12 }, (_, partition) => sharing.inOrder(partition));
    for (const [partition, order] of orders.entries()) {
      expect(order[0]).to.equal(sharing.preferredOf(partition));
      expect([...order].sort((a, b) => a - b)).to.deep.equal(members);
    }
    const seconds = orders.filter(([first]) => first === 1).map(([, second]) => second);
    expect(new Set(seconds)).to.deep.equal(new Set([4, 6, 9]));
  });

  it("leaves everything to this instance until more is known, and as it was where nobody stays", () => {
    const sharing = new EvenSharing(3, 7);
    expect([0, 1, 2].map((partition) => sharing.inOrder(partition))).to.deep.equal([[7], [7], [7]]);
    sharing.share({ members: [2, 7], owners: nobody(3) });
    sharing.share({ members: [], owners: nobody(3) });
    expect([0, 1, 2].map((partition) => sharing.preferredOf(partition))).to.deep.equal([2, 7, 2]);
  });
});

describe("fixed sharing", () => {
  it("gives each instance every so manieth partition, whoever is there", () => {
    const sharing = new FixedSharing(3);
    sharing.share();
    expect([0, 1, 2, 3, 4].map((partition) => sharing.preferredOf(partition))).to.deep.equal([0, 1, 2, 0, 1]);
  });

  it("lets the others stand in, in a circle", () => {
    const sharing = new FixedSharing(3);
    expect([1, 4, 7].map((partition) => sharing.inOrder(partition))).to.deep.equal([
      [1, 2, 0],
      [1, 2, 0],
      [1, 2, 0],
    ]);
    expect(new FixedSharing(1).inOrder(5)).to.deep.equal([0]);
    expect(new FixedSharing(2).inOrder(5)).to.deep.equal([1, 0]);
  });
});
