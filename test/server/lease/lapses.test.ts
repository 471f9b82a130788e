import { expect } from "chai";
import type { Member } from "../../../server/lease/database.ts";
import { Lapses } from "../../../server/lease/lapses.ts";
import { LEASE_MS, RENEW_MS } from "../../../server/lease/lease-terms.ts";

describe("Lapses", () => {
  let nowMs: number;
  let lapses: Lapses;

  beforeEach(() => {
    nowMs = 1000;
    lapses = new Lapses({ monotonicMs: () => nowMs, wallMs: () => 0 });
  });

  function memberOf(life: string, renewal: string): Member {
    return { number: 0, life, address: "unix:/a", renewal };
  }

  /** Each renewal of this instance tells of one of the other, or of the same as before. */
  function note(...renewals: string[]): void {
    for (const renewal of renewals) {
      lapses.note([memberOf("other", renewal)]);
      nowMs += RENEW_MS;
    }
  }

  it("ends a lease once the same renewal was seen for its length", () => {
    note("a", "b", "b", "b");
    expect(lapses.lapsesInMs("other")).to.equal(0);
    expect(lapses.renewalOf("other")).to.equal("b");
  });

  it("lets it begin again with every renewal", () => {
    note("a", "a", "a", "b");
    expect(lapses.lapsesInMs("other")).to.equal(LEASE_MS - RENEW_MS);
  });

  it("ends nobody's lease while this instance is told nothing, nor before it was told for a lease again", () => {
    note("a", "a");
    nowMs += 60_000;
    expect(lapses.lapsesInMs("other")).to.equal(LEASE_MS);
    note("a");
    expect(lapses.lapsesInMs("other")).to.equal(LEASE_MS - RENEW_MS);
    note("a", "a");
    expect(lapses.lapsesInMs("other")).to.equal(0);
  });

  it("knows of those who are gone that their leases are over", () => {
    note("a");
    lapses.note([]);
    expect([lapses.lapsesInMs("other"), lapses.renewalOf("other")]).to.deep.equal([0, undefined]);
  });
});
