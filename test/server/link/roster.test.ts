import { expect } from "chai";
import { FixedRoster, MemberRoster } from "../../../server/link/roster.ts";
import { RosterMap } from "../../../server/link/roster-map.ts";
import { formatAddress } from "../../../server/system/address.ts";
import { logOf } from "../../support/memory-log.ts";

const member = (number: number, address = `tcp:host-${number}:9000`) => ({ number, address, life: "a" });

describe("a fixed roster", () => {
  it("has the other instances by their places among the links", () => {
    const links = ["/a", "/b", "/c"].map((path) => ({ kind: "unix", path }) as const);
    expect([...new FixedRoster(1, links).others]).to.deep.equal([
      [0, links[0]],
      [2, links[2]],
    ]);
    expect(new FixedRoster(0, []).others.size).to.equal(0);
  });
});

describe("a roster of members", () => {
  function rosterOf(self: number) {
    const { log, lines } = logOf("info");
    const roster = new MemberRoster(self, 16, log.logger);
    const changes: string[][] = [];
    roster.onChange(() => changes.push([...roster.others].map(([n, address]) => `${n} ${formatAddress(address)}`)));
    const said = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    return { roster, changes, said };
  }

  it("follows the census, in the order of the numbers, and says only what has changed", () => {
    const { roster, changes } = rosterOf(7);
    expect(roster.others.size).to.equal(0);
    roster.set([member(255), member(7), member(0)]);
    roster.set([member(0), member(7), { ...member(255), life: "b" }]);
    roster.set([member(0)]);
    roster.set([member(0, "tcp:elsewhere:9000")]);
    expect(changes).to.deep.equal([
      ["0 tcp:host-0:9000", "255 tcp:host-255:9000"],
      ["0 tcp:host-0:9000"],
      ["0 tcp:elsewhere:9000"],
    ]);
  });

  it("leaves out who cannot be reached, and says so once for as long as that is so", () => {
    const { roster, said } = rosterOf(0);
    for (let census = 0; census < 3; census++) roster.set([member(1, "nowhere"), member(2)]);
    expect([...roster.others.keys()]).to.deep.equal([2]);
    expect(said()).to.have.length(1);
    expect(said()[0]).to.include({ member: 2, address: "nowhere" });
    expect(said()[0]!["msg"]).to.match(/^a member is left out: its link address must be /);
    roster.set([]);
    roster.set([member(1, "nowhere")]);
    expect(said()).to.have.length(2);
  });

  it("has no more than descriptors are shared out for, this instance counted", () => {
    const { roster, said } = rosterOf(3);
    roster.set(Array.from({ length: 18 }, (_, number) => member(number)));
    expect([...roster.others.keys()]).to.deep.equal([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    expect(said().map(({ member: number }) => number)).to.deep.equal([17, 18]);
  });
});

describe("what is kept for each of a roster", () => {
  it("is opened for who comes, closed for who goes, and both where an address changes", () => {
    const roster = new MemberRoster(0, 16, logOf("silent").log.logger);
    roster.set([member(5), member(2)]);
    const events: string[] = [];
    const map = new RosterMap<string>(roster, {
      open: (instance, address) => {
        events.push(`open ${instance}`);
        return formatAddress(address);
      },
      close: (value) => events.push(`close ${value}`),
    });
    expect(map.keys()).to.deep.equal([2, 5]);
    roster.set([member(5, "unix:/five"), member(1), member(2)]);
    expect([map.keys(), map.get(5), map.get(9)]).to.deep.equal([[1, 2, 5], "unix:/five", undefined]);
    roster.set([member(1)]);
    map.close();
    roster.set([member(1), member(4)]);
    expect(map.keys()).to.deep.equal([]);
    expect(events).to.deep.equal([
      "open 2",
      "open 5",
      "close tcp:host-5:9000",
      "open 1",
      "open 5",
      "close tcp:host-2:9000",
      "close unix:/five",
      "close tcp:host-1:9000",
    ]);
  });
});
