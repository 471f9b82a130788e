import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { readCommandLine } from "../../../server/doubts/cli/command-line.ts";
import { Instance } from "../../../server/doubts/cli/instance.ts";
import { list } from "../../../server/doubts/cli/list.ts";
import { settle } from "../../../server/doubts/cli/settle.ts";
import type { DoubtView } from "../../../server/doubts/doubt-listing.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const NOW = "2025-07-15T12:00:00.000Z";
const AT = ["--at", "unix:/run/a.sock"];

describe("doubts command line", () => {
  it("names a command, a payment, a word and the instances", () => {
    expect(readCommandLine(["list", ...AT, "--at", "tcp:host:9464", "--json"])).to.deep.equal({
      command: "list",
      at: [
        { kind: "unix", path: "/run/a.sock" },
        { kind: "tcp", host: "host", port: 9464 },
      ],
      isJson: true,
    });
    const words = { charged: "charged", "not-charged": "not charged", failed: "failed" };
    for (const [text, word] of Object.entries(words)) {
      expect(readCommandLine(["settle", ID, text, ...AT, "--as-of", NOW])).to.deep.include({ id: ID, word, asOf: NOW });
    }
    expect(readCommandLine(["--help"])).to.equal("help");
  });

  const wrong: [string[], RegExp][] = [
    [[], /^the command must be list or settle: command=$/],
    [["forget"], /^the command must be list or settle: command=forget$/],
    [["list"], /^at least one instance must be named, such as --at unix:PATH: at=$/],
    [["list", "--at", "/run/a.sock"], /^must be unix:<path>, tcp:<host>:<port> .*: at=\/run\/a\.sock$/],
    [["list", ...AT, ...AT], /^each address must be named once/],
    [["list", ID, ...AT], /^list takes options only/],
    [["list", "--as-of", NOW, ...AT], /^as-of belongs to settle/],
    [["settle", ...AT], /^ID must be a UUID: ID=$/],
    [["settle", "7", "charged", ...AT], /^ID must be a UUID: ID=7$/],
    [["settle", ID, ...AT], /^WORD must be one of charged, not-charged, failed: WORD=$/],
    [["settle", ID, "toString", ...AT], /^WORD must be one of/],
    [["settle", ID, "failed", ID, ...AT], /^there is one payment at a time/],
    [["settle", ID, "failed", "--as-of", "noon", ...AT], /^as-of must be an ISO 8601 timestamp/],
    [["settle", ID, "failed", "--force", ...AT], /force/],
  ];
  for (const [args, message] of wrong) {
    it(`refuses: ${args.join(" ") || "nothing at all"}`, () => {
      expect(() => readCommandLine(args)).to.throw(message);
    });
  }
});

describe("doubts command", () => {
  let directory: string;
  const servers: Server[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "rinha-doubts-"));
  });

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(directory, { recursive: true, force: true });
  });

  async function instance(listener: RequestListener): Promise<Instance> {
    const path = join(directory, `${servers.length}.sock`);
    const server = createServer(listener);
    servers.push(server);
    server.listen(path);
    await once(server, "listening");
    return new Instance({ kind: "unix", path });
  }

  /** One that answers each word in turn by a status, and notes what was said. */
  async function heard(...statuses: number[]): Promise<{ instance: Instance; said: string[] }> {
    const said: string[] = [];
    const made = await instance(async (req, res) => {
      let body = "";
      for await (const chunk of req) body += String(chunk);
      if (req.method === "GET") {
        res.end(JSON.stringify({ now: NOW, settledUntil: NOW, total: 0, held: 0, stuck: 0, doubts: [] }));
        return;
      }
      said.push(body);
      const status = statuses.shift() ?? 200;
      if (status === 0) {
        res.destroy();
        return;
      }
      const headers = status === 503 || status === 425 ? { "retry-after": "1" } : {};
      res
        .writeHead(status === 425 ? 409 : status, headers)
        .end(JSON.stringify({ detail: `so ${status}`, state: "failed" }));
    });
    return { instance: made, said };
  }

  const gone = new Instance({ kind: "unix", path: "/nowhere/instance.sock" });
  const wish = { id: ID, word: "not charged", asOf: undefined } as const;

  it("says the word to the instance that knows the payment, as of its own time", async () => {
    const [other, owner] = [await heard(404), await heard(200)];
    expect((await settle([other.instance, owner.instance], wish)).kind).to.equal("settled");
    expect(owner.said).to.deep.equal([JSON.stringify({ word: "not charged", asOf: NOW })]);
    const asOf = "2025-07-15T11:00:00.000Z";
    const told = await heard(200);
    await settle([told.instance], { ...wish, asOf });
    expect(JSON.parse(told.said[0]!)).to.include({ asOf });
  });

  it("says it again, as of the same moment, while the answer is one for now", async () => {
    const { instance, said } = await heard(425, 503, 425, 200);
    expect((await settle([instance], wish)).kind).to.equal("settled");
    expect(new Set(said).size).to.equal(1);
    expect(said).to.have.length(4);
  });

  it("gives up after a while, and says what the instance said", async () => {
    const asking = await heard(...new Array<number>(100).fill(425));
    const refused = await settle([asking.instance], wish, 250);
    expect(refused).to.deep.equal({ kind: "refused", reason: `so 425: at=${asking.instance.at} status=409` });
    expect(asking.said).to.have.length.within(2, 5);
    const failing = await heard(...new Array<number>(100).fill(503));
    expect((await settle([failing.instance], wish, 150)).kind).to.equal("uncertain");
  });

  it("says it once where it is refused for good", async () => {
    const { instance, said } = await heard(409);
    expect((await settle([instance], wish)).kind).to.equal("refused");
    expect(said).to.have.length(1);
  });

  it("is not sure about what an instance did that did not answer, or cannot be asked", async () => {
    const [broken, other] = [await heard(0), await heard(404)];
    const result = await settle([broken.instance, other.instance, gone], wish);
    expect(result.kind).to.equal("uncertain");
    expect((result as { reason: string }).reason.split("\n")).to.have.length(3);
    expect((result as { reason: string }).reason)
      .to.include(`the word may have been taken, say it again: an instance must answer: at=${broken.instance.at}`)
      .and.include(`an instance must answer: at=${gone.at}`);
  });

  it("is sure that nobody knows a payment only when all were asked", async () => {
    const { instance } = await heard(404);
    const reason = `no instance named knows this payment: ID=${ID}`;
    expect(await settle([instance], wish)).to.deep.equal({ kind: "refused", reason });
  });

  it("lists what some say and names those that do not answer", async () => {
    const { instance } = await heard();
    const { lines, problems, stuckCount } = await list([instance, gone], false);
    expect(lines).to.deep.equal([`${instance.at}: 0 in doubt, 0 stuck, Settled-Until ${NOW}`]);
    expect([problems.length, stuckCount]).to.deep.equal([1, 0]);
    expect(problems[0]).to.match(/^an instance must answer: at=unix:\/nowhere\/instance\.sock reason=/);
  });

  it("finds out that an address is not an instance's for operators", async () => {
    const link = await instance((_req, res) => res.writeHead(404).end('{"detail":"no such link endpoint"}'));
    const { problems } = await list([link], false);
    expect(problems).to.deep.equal([
      `at must be an instance's ADMIN_LISTEN, or its LISTEN where it has none: at=${link.at} status=404`,
    ]);
  });

  it("lists more than one answer holds, each payment once", async () => {
    const doubts = Array.from({ length: 2500 }, (_, n): DoubtView => ({ ...doubtOf(n), stuck: n === 7 }));
    const large = await instance((req, res) => {
      const query = new URL(req.url!, "http://instance").searchParams;
      const [offset, limit] = [Number(query.get("offset")), Number(query.get("limit"))];
      // What was listed moves up by one when a payment before it is settled.
      const page = doubts.slice(Math.max(0, offset - (offset > 0 ? 1 : 0)), offset + limit);
      res.end(JSON.stringify({ now: NOW, settledUntil: NOW, total: doubts.length, held: 0, stuck: 1, doubts: page }));
    });
    const { lines, stuckCount } = await list([large], true);
    const { instances, doubts: listed } = JSON.parse(lines[0]!);
    expect(instances).to.deep.equal([{ at: large.at, now: NOW, settledUntil: NOW, total: 2500, held: 0, stuck: 1 }]);
    expect(listed.map(({ id }: DoubtView) => id)).to.deep.equal(doubts.map(({ id }) => id));
    expect(stuckCount).to.equal(1);
  });

  it("shows which are held, and how many more there are than it can list", async () => {
    const pending = { ...doubtOf(1), held: true, processor: null, requestedAt: null, asked: null, answered: null };
    const holding = await instance((req, res) => {
      const offset = Number(new URL(req.url!, "http://instance").searchParams.get("offset"));
      const doubts = offset === 0 ? [doubtOf(0), pending] : [];
      res.end(JSON.stringify({ now: NOW, settledUntil: NOW, total: 40_000, held: 39_999, stuck: 0, doubts }));
    });
    const { lines } = await list([holding], false);
    const head = `${holding.at}: 1 in doubt, 39999 held, 0 stuck, Settled-Until ${NOW}`;
    expect([lines[0], lines.length, lines.at(-1)]).to.deep.equal([head, 5, "and 39998 more"]);
    expect(lines[2]).to.match(/^correlation-0 +19\.90 +default +2025\S+ +0s +1 +1 +not told +no +no +no /);
    expect(lines[3]).to.match(/^correlation-1 +19\.90 +- +- +0s +- +- +not told +no +yes +no /);
  });

  it("shows ages in the units that matter", async () => {
    const ages = { 999: "0s", 61000: "1m 1s", 3660000: "1h 1m", 180000000: "2d 2h" };
    const doubts = Object.keys(ages).map((ageMs, n) => ({ ...doubtOf(n), ageMs: Number(ageMs) }));
    const old = await instance((_req, res) => {
      res.end(JSON.stringify({ now: NOW, settledUntil: NOW, total: doubts.length, held: 0, stuck: 0, doubts }));
    });
    const { lines } = await list([old], false);
    for (const [i, age] of Object.values(ages).entries()) expect(lines[i + 2]).to.include(`  ${age}  `);
  });
});

function doubtOf(n: number): DoubtView {
  return {
    id: `id-${n}`,
    correlationId: `correlation-${n}`,
    amount: 19.9,
    processor: "default",
    requestedAt: NOW,
    held: false,
    ageMs: 0,
    asked: 1,
    answered: 1,
    beingAsked: false,
    lastSentAt: null,
    lastOutcome: "not told",
    mayLand: false,
    stuck: false,
    boundsSettledUntil: false,
  };
}
