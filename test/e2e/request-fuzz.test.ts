import { expect } from "chai";
import { Random } from "../support/random.ts";
import type { Caller } from "./caller.ts";
import { FuzzClient, type Via } from "./fuzz-request.ts";
import { faultsOf } from "./fuzz-verdict.ts";
import { chargesOf } from "./payments.ts";
import { Service } from "./service.ts";
import { countOf, summaryOf, untilProcessed } from "./summaries.ts";

const SEED = Number(process.env["TEST_SEED"] ?? 20250715);
/** For each way in; FUZZ_REQUESTS asks for more. */
const REQUEST_COUNT = Number(process.env["FUZZ_REQUESTS"] ?? 3000);
const CLIENT_COUNT = 12;

describe(`random requests (TEST_SEED=${SEED}, FUZZ_REQUESTS=${REQUEST_COUNT})`, function () {
  this.timeout(60_000 + REQUEST_COUNT * 20);
  let service: Service;
  let pids: (number | undefined)[];
  const clients: FuzzClient[] = [];
  const noise: string[] = [];

  before(async () => {
    const onLine = (name: string, _stream: string, line: string): void => {
      // The balancer's log has a line for every body that is too large.
      if (name.startsWith("instance-")) noise.push(line);
    };
    service = await Service.start({ env: { LOG_LEVEL: "warn" }, hooks: { onLine } });
    pids = service.topology.processes.map(({ pid }) => pid);
  });

  after(() => service?.stop());

  async function fuzz(via: Via, callers: readonly Caller[], seed: number): Promise<string[]> {
    const wrong: string[] = [];
    const work = Array.from({ length: CLIENT_COUNT }, async (_, i) => {
      const client = new FuzzClient(new Random(seed + i), via);
      clients.push(client);
      for (let count = 0; count < REQUEST_COUNT / CLIENT_COUNT; count++) {
        const request = client.next();
        const { method, path, ask } = request;
        const answer = await callers[count % callers.length]!.ask(method, path, ask);
        for (const fault of faultsOf(request, answer)) {
          wrong.push(`${fault}\n  ${method} ${path} ${shown(ask.body)}\n  ${JSON.stringify(answer)}`);
        }
      }
    });
    await Promise.all(work);
    return wrong;
  }

  it("through the balancer get exactly the answers of the contract", async () => {
    expect((await fuzz("balancer", [service.front], SEED)).slice(0, 5).join("\n")).to.equal("");
  });

  it("at the instances themselves, in turns, get exactly the answers of the contract", async () => {
    expect((await fuzz("instance", service.instances, SEED + 1000)).slice(0, 5).join("\n")).to.equal("");
  });

  it("leave every process as it was, and nothing in the logs", async () => {
    expect(service.topology.processes.map(({ pid }) => pid)).to.deep.equal(pids);
    for (const caller of [service.front, ...service.instances]) {
      expect((await caller.get("/health")).status).to.equal(200);
      expect((await caller.get("/ready")).status).to.equal(200);
    }
    expect(noise).to.deep.equal([]);
  });

  it("leave exactly the accepted payments, charged once each, to the cent", async () => {
    const accepted = new Map(clients.flatMap((client) => [...client.accepted]));
    expect(accepted.size).to.be.above(REQUEST_COUNT / 10);
    await untilProcessed(service, accepted.size);
    const charges = new Map([...chargesOf(service.processors.default), ...chargesOf(service.processors.fallback)]);
    expect(new Map([...charges].map(([id, { cents }]) => [id, cents]))).to.deep.equal(accepted);
    const total = [...accepted.values()].reduce((sum, cents) => sum + cents, 0);
    for (const caller of service.instances) {
      const summary = await summaryOf(caller);
      expect(countOf(summary)).to.equal(accepted.size);
      expect(summary.default.cents + summary.fallback.cents).to.equal(total);
    }
    expect(service.processors.default.charges.count + service.processors.fallback.charges.count).to.equal(
      accepted.size,
    );
  });
});

function shown(body: unknown): string {
  const parts = Array.isArray(body) ? body : [body ?? ""];
  return parts
    .map((part) => (typeof part === "string" ? part : new TextDecoder().decode(part as Uint8Array)).slice(0, 500))
    .join(" | ");
}
