import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { LiveFeed } from "../../../server/live/live-feed.ts";

const INTERVAL_MS = 10;

describe("live feed", () => {
  let published: string[];
  let askedCount: number;
  let feed: LiveFeed;
  let answer: () => Promise<string>;

  beforeEach(() => {
    published = [];
    askedCount = 0;
    answer = async () => '{"own":1}';
    feed = new LiveFeed(
      {
        self: 1,
        instanceCount: () => 3,
        ownReading: () => {
          askedCount++;
          return answer();
        },
        peerReadings: async () => new Map([[2, '{"peer":2}']]),
        publish: (message) => published.push(message),
      },
      INTERVAL_MS,
    );
  });

  afterEach(() => feed.stop());

  async function untilPublished(count: number): Promise<void> {
    while (published.length < count) await sleep(1);
  }

  it("takes no sample while nobody looks", async () => {
    await sleep(10 * INTERVAL_MS);
    expect(askedCount).to.equal(0);
  });

  it("tells whoever comes at once, and then again and again, one message for all", async () => {
    feed.viewerCame();
    feed.viewerCame();
    await untilPublished(3);
    // The first instance did not answer.
    expect(JSON.parse(published[0]!)).to.deep.equal({ type: "sample", instances: [null, { own: 1 }, { peer: 2 }] });
  });

  it("stops with the last who leaves, and begins again with the next", async () => {
    feed.viewerCame();
    feed.viewerCame();
    await untilPublished(2);
    feed.viewerLeft();
    await untilPublished(published.length + 2);
    feed.viewerLeft();
    const asked = askedCount;
    await sleep(10 * INTERVAL_MS);
    expect(askedCount).to.equal(asked);
    const before = published.length;
    feed.viewerCame();
    await untilPublished(before + 2);
  });

  it("takes one sample at a time, however long that lasts", async () => {
    let finish: (json: string) => void = () => {};
    answer = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    feed.viewerCame();
    await sleep(10 * INTERVAL_MS);
    expect([askedCount, published.length]).to.deep.equal([1, 0]);
    answer = async () => "{}";
    finish("{}");
    await untilPublished(2);
  });

  it("publishes nothing any more once it has stopped, not even what it was about to", async () => {
    let finish: (json: string) => void = () => {};
    answer = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    feed.viewerCame();
    feed.viewerLeft();
    finish("{}");
    await sleep(3 * INTERVAL_MS);
    expect(published).to.deep.equal([]);
  });
});
