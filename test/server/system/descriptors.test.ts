import { expect } from "chai";
import {
  type DescriptorShares,
  healthLinkMax,
  openFilesMax,
  shareDescriptors,
  standingLinksMax,
} from "../../../server/system/descriptors.ts";

/** What an instance needs whatever it does: see server/system/descriptors.ts. */
const FIXED = 64;

function shares(limit: number, maxInFlight: readonly number[], peerCount: number): DescriptorShares {
  const shared = shareDescriptors(limit, maxInFlight, peerCount);
  if (typeof shared === "string") throw new Error(shared);
  return shared;
}

describe("shares of the file descriptors", () => {
  it("give clients all that the instance itself does not need", () => {
    expect(shares(20_000, [128, 128], 1)).to.deep.equal({
      clientsMax: 20_000 - 64 - 8 - 8 - 256 - 64 - 64,
      linkMax: 32,
      inFlightMax: [128, 128],
    });
  });

  it("never add up to more than there are, and leave each its own", () => {
    for (let limit = 80; limit < 3000; limit += 7) {
      for (const maxInFlight of [[1], [16, 16], [128, 3, 7], [1000, 1000], new Array<number>(16).fill(64)]) {
        for (const peerCount of [0, 1, 3]) {
          const { clientsMax, linkMax, inFlightMax } = shares(limit, maxInFlight, peerCount);
          const what = JSON.stringify({ limit, maxInFlight, peerCount, clientsMax, linkMax, inFlightMax });
          expect(Math.min(clientsMax, linkMax, ...inFlightMax), what).to.be.at.least(1);
          for (const [p, max] of inFlightMax.entries()) expect(max, what).to.be.at.most(maxInFlight[p]!);
          const forPeers = healthLinkMax(maxInFlight.length, peerCount) + standingLinksMax(peerCount);
          const fixed = FIXED + 2 * forPeers;
          if (limit < fixed + 56 + 24 * peerCount) continue;
          const own = inFlightMax.reduce((sum, max) => sum + max, 0);
          expect(fixed + clientsMax + own + 2 * linkMax * peerCount, what).to.be.at.most(limit);
          expect(clientsMax, what).to.be.at.least(Math.floor((limit - fixed) / 2) - 1);
        }
      }
    }
  });

  it("are refused where an instance could not even start", () => {
    expect(shareDescriptors(64, [128, 128], 1)).to.equal("open files must be allowed (ulimit -n): limit=64 min=80");
  });

  it("go by the limit of this process", () => {
    expect(openFilesMax()).to.be.above(80);
  });
});
