import { expect } from "chai";
import { newPayment, payMany, untilState } from "./payments.ts";
import { Service } from "./service.ts";

/** Milliseconds east of UTC. */
function localText(ms: number, offsetMs: number): string {
  return new Date(ms + offsetMs).toISOString().slice(0, -1);
}

const HOUR_MS = 3_600_000;

describe("summary windows, as people write them", () => {
  let service: Service;
  /** What one payment has, so that a window of that millisecond holds it. */
  let atMs: number;

  before(async () => {
    service = await Service.start();
    const payment = newPayment();
    await payMany(service.front, [payment]);
    const [view] = await untilState(service.front, [payment], "processed");
    atMs = Date.parse(view!.requestedAt!);
  });

  after(() => service?.stop());

  /** Asks nginx and an instance; both must say the same. */
  async function ask(query: string): Promise<{ status: number; body: string }> {
    const [front, own] = await Promise.all(
      [service.front, service.instances[0]!].map((caller) => caller.get(`/payments-summary?${query}`)),
    );
    expect({ status: front!.status, body: front!.body }).to.deep.equal({ status: own!.status, body: own!.body });
    return front!;
  }

  async function countOf(query: string): Promise<number> {
    const { status, body } = await ask(query);
    expect(status, `${query} ${body}`).to.equal(200);
    const { default: byDefault, fallback } = JSON.parse(body);
    return byDefault.totalRequests + fallback.totalRequests;
  }

  const ways: Record<string, (ms: number) => string> = {
    "in UTC": (ms) => `${localText(ms, 0)}Z`,
    "in UTC, lower case": (ms) => `${localText(ms, 0)}z`.replace("T", "t"),
    "without a zone": (ms) => localText(ms, 0),
    "west of UTC": (ms) => `${localText(ms, -3 * HOUR_MS)}-03:00`,
    "east of UTC, a raw plus": (ms) => `${localText(ms, 3 * HOUR_MS)}+03:00`,
    "east of UTC, an encoded plus": (ms) => `${localText(ms, 5.75 * HOUR_MS)}%2B0545`,
    "with an encoded space": (ms) => localText(ms, 0).replace("T", "%20"),
    "with a plus for a space": (ms) => localText(ms, 0).replace("T", "+"),
    "with twenty decimals": (ms) => `${localText(ms, 0)}${"0".repeat(17)}Z`,
    "with a comma": (ms) => `${localText(ms, 0).replace(".", ",")}Z`,
  };
  for (const [how, write] of Object.entries(ways)) {
    it(`are told to the millisecond ${how}`, async () => {
      expect(await countOf(`from=${write(atMs)}&to=${write(atMs)}`)).to.equal(1);
      expect(await countOf(`from=${write(atMs + 1)}`)).to.equal(0);
      expect(await countOf(`to=${write(atMs - 1)}`)).to.equal(0);
    });
  }

  it("may be dates alone, which are whole days", async () => {
    const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
    expect(await countOf(`from=${day(atMs)}&to=${day(atMs)}`)).to.equal(1);
    expect(await countOf(`from=${day(atMs + 24 * HOUR_MS)}`)).to.equal(0);
    expect(await countOf(`to=${day(atMs - 24 * HOUR_MS)}`)).to.equal(0);
  });

  it("are open where an end is empty", async () => {
    for (const query of ["", "from=&to=", "from=", "to", `from=&to=${ways["in UTC"]!(atMs)}`])
      expect(await countOf(query), query).to.equal(1);
  });

  it("are refused with the end and the rule when they name no moment", async () => {
    for (const text of ["now", "2025-02-30", "12:00", "1752582896", "%", "2025-07-15T12:00:00+25:00"]) {
      const { status, body } = await ask(`to=${text}`);
      expect(status, text).to.equal(400);
      expect(JSON.parse(body)).to.include({ field: "to" });
      expect(JSON.parse(body).detail).to.contain("to must be an ISO 8601 date or timestamp");
    }
  });
});
