import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { Books } from "../../../perf/lab/contenders/books.ts";
import { usageBetween } from "../../../perf/lab/limits/usage-between.ts";

const WAIT_MS = 150;

/** Counts of payments at 19.90. */
type Counts = {
  default: number;
  fallback: number;
};

describe("books", () => {
  let server: Server;
  let books: Books;
  let counted: Counts;
  let charged: Counts;

  const totals = (count: number): string =>
    `{"totalRequests":${count},"totalAmount":${(count * 19.9).toFixed(2)},"totalFee":0,"feePerTransaction":0.05}`;

  /** Plays the service and, under a path of its own, each processor. */
  beforeEach(async () => {
    counted = { default: 0, fallback: 0 };
    charged = { default: 0, fallback: 0 };
    server = createServer((request, response) => {
      if (request.url!.startsWith("/payments-summary")) {
        response.end(`{"default":${totals(counted.default)},"fallback":${totals(counted.fallback)}}`);
      } else {
        response.end(totals(charged[request.url!.startsWith("/d/") ? "default" : "fallback"]));
      }
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const processors = { default: new URL(`${base}/d`), fallback: new URL(`${base}/f`) };
    books = new Books({ service: new URL(base), processors, token: "123" });
  });

  afterEach(async () => {
    await books.close();
    server.close();
  });

  it("count from their opening on, and are content when everything was charged once", async () => {
    counted = { default: 7, fallback: 1 };
    charged = { default: 70, fallback: 0 };
    await books.open();
    counted = { default: 9, fallback: 2 };
    charged = { default: 72, fallback: 1 };
    const { tookMs, ...settlement } = await books.settle(3, 0, WAIT_MS);
    expect(settlement).to.deep.equal({ processedCount: 3, chargedCount: 3, problem: undefined });
    expect(tookMs).to.be.within(0, WAIT_MS);
  });

  it("wait until everything is processed", async () => {
    await books.open();
    setTimeout(() => {
      counted.default = 5;
      charged.default = 5;
    }, 60);
    const { tookMs, problem } = await books.settle(5, 0, 2000);
    expect(problem).to.equal(undefined);
    expect(tookMs).to.be.within(40, 1000);
  });

  it("tell of payments that are not processed in time", async () => {
    await books.open();
    counted.default = charged.default = 4;
    const { tookMs, problem } = await books.settle(5, 0, WAIT_MS);
    expect(tookMs).to.equal(undefined);
    expect(problem).to.equal(
      "every accepted payment must be processed in time: accepted=5 failed=0 processed=4 charged=4",
    );
  });

  it("tell of payments charged twice, never, or elsewhere than counted", async () => {
    await books.open();
    counted = { default: 5, fallback: 0 };
    charged = { default: 5, fallback: 1 };
    expect((await books.settle(5, 0, WAIT_MS)).problem).to.contain("must be charged exactly once: accepted=5");
    charged = { default: 4, fallback: 0 };
    expect((await books.settle(5, 0, WAIT_MS)).problem).to.contain("must be charged exactly once: accepted=5");
    charged = { default: 4, fallback: 1 };
    expect((await books.settle(5, 0, WAIT_MS)).problem).to.contain("must count what the processors charged");
  });

  it("allow for payments of which nobody knows whether they were accepted", async () => {
    await books.open();
    counted.default = charged.default = 6;
    expect((await books.settle(5, 1, WAIT_MS)).problem).to.equal(undefined);
    expect((await books.settle(4, 1, WAIT_MS)).problem).to.contain("must be charged exactly once: accepted=4 failed=1");
  });
});

describe("usage between two readings", () => {
  const reading = (name: "nginx" | "instance-1", totalMs: number, throttledMs: number) => ({
    name,
    cpu: { totalMs, systemMs: totalMs / 2 },
    throttledCount: throttledMs / 10,
    throttledMs,
  });

  it("is the difference; of a process that was started anew, what it has", () => {
    const before = [reading("nginx", 100, 0), reading("instance-1", 500, 0)];
    const after = [reading("nginx", 300, 50), reading("instance-1", 40, 0)];
    expect(usageBetween(before, after, 1000)).to.deep.equal([
      { name: "nginx", cpuMs: 200, systemMs: 100, cpuShare: 0.2, throttledShare: 0.05, throttledCount: 5 },
      { name: "instance-1", cpuMs: 40, systemMs: 20, cpuShare: 0.04, throttledShare: 0, throttledCount: 0 },
    ]);
  });
});
