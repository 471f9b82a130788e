import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import pino from "pino";
import { Engine } from "../../../core/engine.ts";
import { HealthSnapshot } from "../../../core/routing/health-snapshot.ts";
import { Ways } from "../../../core/routing/ways.ts";
import { linkQuery, serveLink } from "../../../server/api/link-api.ts";
import type { Answer } from "../../../server/http/answer.ts";
import { Listener } from "../../../server/http/listener.ts";
import { BulletinBoard } from "../../../server/link/bulletin-board.ts";
import { Peers } from "../../../server/link/peers.ts";
import { FixedRoster } from "../../../server/link/roster.ts";
import { Log } from "../../../server/log/log.ts";
import { Meters } from "../../../server/meters/meters.ts";
import type { CarriedPartitions } from "../../../server/partition/carried-partitions.ts";
import { PaymentBody } from "../../../server/payments/payment-body.ts";
import { PaymentService } from "../../../server/payments/payment-service.ts";
import type { Address } from "../../../server/system/address.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealTime } from "../../../server/system/time.ts";
import { SlewedClock } from "../../../server/turn/clock.ts";
import { GroupCommit } from "../../../server/turn/group-commit.ts";
import { Caller } from "../../e2e/caller.ts";
import { twoTerms } from "../../support/terms.ts";

const TIMEOUT_MS = 2000;
const EVER = linkQuery({ fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY });

function serviceOf(partition: number, body: PaymentBody, log: Log): PaymentService {
  const time = new RealTime();
  const ways = Ways.open(new HealthSnapshot(2), twoTerms(16));
  const options = { giveUpAfterMs: 60_000, settleWithinMs: 0, answerWithinMs: 2000, waitsForSlow: true };
  const engine = new Engine(ways, { partition, capacity: 64, seed: 1, ...options });
  const meters = new Meters(2);
  const commit = new GroupCommit({
    engine,
    log: undefined,
    syncs: false,
    time,
    logger: log.logger,
    meters: meters.journal,
  });
  return new PaymentService({ engine, clock: new SlewedClock(time), commit, meters, log, body });
}

/** An instance that carries the partitions 0 and 2 of four, which the last digit of a correlationId tells. */
describe("the link of an instance that carries several partitions", () => {
  const lines = new Log("silent", 0);
  let folder: string;
  let listener: Listener;
  let peers: Peers;
  let caller: Caller;
  let names: NameLookup;
  let services: Map<number, PaymentService>;
  let wasStopped: boolean;
  let listen: (purgeEnabled: boolean) => Promise<void>;
  const followed: number[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-link-"));
    const body = new PaymentBody();
    services = new Map([0, 2].map((partition) => [partition, serviceOf(partition, body, lines)]));
    wasStopped = false;
    const carried: CarriedPartitions = {
      at: (partition) => services.get(partition),
      partitionOf: (id) => id[3]! & 3,
      all: () => Array.from(services, ([partition, service]) => ({ partition, epoch: partition + 5, service })),
      get wasStopped() {
        return wasStopped;
      },
    };
    const links: Address[] = [0, 1].map((instance) => ({ kind: "unix", path: join(folder, `${instance}.sock`) }));
    followed.length = 0;
    listen = async (purgeEnabled) => {
      listener = await Listener.open(links[1]!, (app) =>
        serveLink(app, {
          carried,
          ownReading: async () => "{}",
          bulletins: new BulletinBoard(new RealTime()),
          follow: async (partition) => {
            followed.push(partition);
            return partition === 1;
          },
          maxBodyBytes: 1024,
          purgeEnabled,
          body,
          spans: undefined,
        }),
      );
    };
    await listen(true);
    names = new NameLookup();
    const options = { timeoutMs: TIMEOUT_MS, connectionsMax: 4, names, processors: ["default", "fallback"] };
    peers = new Peers({ roster: new FixedRoster(0, links), ...options }, pino({ level: "silent" }));
    caller = new Caller({ socketPath: join(folder, "1.sock") }, 32, "other");
  });
  afterEach(async () => {
    caller.close();
    await peers.close();
    names.close();
    listener.close();
    rmSync(folder, { recursive: true });
  });
  after(() => lines.close());

  const idOf = (partition: number): string => randomUUID().slice(0, -1) + partition;
  const forward = (correlationId: string) =>
    peers.forward(1, Buffer.from(`{"correlationId":"${correlationId}","amount":10.5}`), { timeoutMs: TIMEOUT_MS });
  const keptIn = (partition: number): number => services.get(partition)!.engine.ledger.size;
  const problemOf = async (method: string, path: string): Promise<unknown> => {
    const { status, body } = await caller.ask(method, path);
    return [status, (JSON.parse(body) as { detail: string }).detail];
  };

  it("takes each payment into its partition, and says of others that they are elsewhere", async () => {
    for (const partition of [0, 2, 2]) expect(((await forward(idOf(partition))) as Answer).status).to.equal(202);
    expect([keptIn(0), keptIn(2)]).to.deep.equal([1, 2]);
    for (const partition of [1, 3]) expect(await forward(idOf(partition))).to.equal("elsewhere");
    expect([keptIn(0), keptIn(2)]).to.deep.equal([1, 2]);
    const refused = await peers.forward(1, Buffer.from("{}"), {});
    expect((refused as Answer).status).to.equal(400);
  });

  it("refuses what may have lain unread while it was stopped", async () => {
    wasStopped = true;
    const refused = (await forward(idOf(0))) as Answer;
    expect([refused.status, JSON.parse(refused.body!).accepted]).to.deep.equal([503, "unknown"]);
    expect(await forward(idOf(1))).to.deep.equal(refused);
    expect(keptIn(0)).to.equal(0);
    wasStopped = false;
    expect(((await forward(idOf(0))) as Answer).status).to.equal(202);
  });

  it("finds a payment by either id in the partition asked for, and says of others that it cannot know", async () => {
    const correlationId = idOf(2);
    await forward(correlationId);
    const found = (await peers.find(1, 2, correlationId)) as { json: string };
    const { id } = JSON.parse(found.json) as { id: string };
    expect(await peers.find(1, 2, id, TIMEOUT_MS)).to.deep.equal(found);
    expect(await peers.find(1, 2, idOf(2))).to.equal("unknown");
    expect(await peers.find(1, 0, correlationId)).to.equal("unknown");
    for (const partition of [1, 3, 9]) expect(await peers.find(1, partition, correlationId)).to.equal("unreachable");
    const detail = "this partition is not carried here";
    for (const query of ["", "?partition=", "?partition=x", "?partition=1", "?partition=0000"])
      expect(await problemOf("GET", `/2/payments/${correlationId}${query}`), query).to.deep.equal([421, detail]);
  });

  it("sums up partition by partition, each with its carrier's number", async () => {
    await forward(idOf(2));
    const answers = await peers.summaryParts(EVER, [0, 1, 1], TIMEOUT_MS);
    expect([...answers.keys()]).to.deep.equal([1]);
    const parts = answers.get(1)!;
    expect(parts.map(({ partition, epoch }) => [partition, epoch])).to.deep.equal([
      [0, 5],
      [2, 7],
    ]);
    for (const { totals } of parts) expect(totals).to.deep.equal([0, 0, 0, 0]);
    services.clear();
    expect(await peers.summaryParts(EVER)).to.deep.equal(new Map([[1, []]]));
  });

  it("purges the partition that is asked for, and no other", async () => {
    for (const partition of [0, 2]) await forward(idOf(partition));
    expect(await peers.purge(1, 0)).to.equal(true);
    expect([keptIn(0), keptIn(2)]).to.deep.equal([0, 1]);
    expect(await peers.purge(1, 1)).to.equal(false);
    const detail = "this partition is not carried here: partition=2";
    expect(await problemOf("POST", "/2/partitions/1/purge")).to.deep.equal([421, detail]);
    expect(await problemOf("POST", "/2/partitions/x/purge")).to.deep.equal([404, "no such link endpoint"]);
    expect([keptIn(0), keptIn(2)]).to.deep.equal([0, 1]);
  });

  it("purges nothing where that is not allowed, whoever asks", async () => {
    await forward(idOf(0));
    listener.close();
    await listen(false);
    expect(await peers.purge(1, 0)).to.equal(false);
    const detail = "purging is not allowed: PURGE_ENABLED=false";
    expect(await problemOf("POST", "/2/partitions/0/purge")).to.deep.equal([403, detail]);
    expect(keptIn(0)).to.equal(1);
  });

  it("does nothing for a page in a browser, whatever page that is", async () => {
    const correlationId = idOf(0);
    const asks: [path: string, body: string][] = [
      ["/2/payments", `{"correlationId":"${correlationId}","amount":10.5}`],
      ["/2/partitions/0/purge", ""],
      ["/2/partitions/1/follow", ""],
    ];
    for (const origin of ["http://evil.example", "http://x", "null"]) {
      for (const [path, body] of asks) {
        const answer = await caller.ask("POST", path, { headers: { origin, "content-type": "text/plain" }, body });
        expect(answer.status, `${path} ${origin}`).to.equal(403);
      }
    }
    expect([keptIn(0), followed.length]).to.deep.equal([0, 0]);
  });

  it("has nothing to say once it is gone", async () => {
    listener.close();
    expect(await peers.purge(1, 0)).to.equal(false);
    expect(await peers.find(1, 0, idOf(0))).to.equal("unreachable");
    expect(await peers.summaryParts(EVER)).to.deep.equal(new Map([[1, undefined]]));
  });

  it("reads a partition along when asked, or says that it cannot", async () => {
    const { status, body } = await caller.ask("POST", "/2/partitions/1/follow");
    expect([status, body]).to.deep.equal([200, '{"following":true}']);
    const detail = "this partition cannot be read along here: partition=4";
    expect(await problemOf("POST", "/2/partitions/3/follow")).to.deep.equal([409, detail]);
    for (const odd of ["256", "-1", "1.5", "x", "%31", "0001"])
      expect(await problemOf("POST", `/2/partitions/${odd}/follow`)).to.deep.equal([404, "no such link endpoint"]);
    expect(followed).to.deep.equal([1, 3]);
  });

  it("says which version it speaks to whoever asks in another", async () => {
    for (const path of ["/payments", "/health", "/1/health", "/3/health", "/22/health", "/2", "/bulletins"]) {
      for (const method of ["GET", "POST"])
        expect(await problemOf(method, path), path).to.deep.equal([505, "the link's protocol is 2"]);
    }
    expect(await problemOf("GET", "/2/nothing")).to.deep.equal([404, "no such link endpoint"]);
    expect(await peers.reachable()).to.deep.equal([{ instance: 2, reachable: true }]);
  });
});
