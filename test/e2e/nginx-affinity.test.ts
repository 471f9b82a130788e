import { Agent, request } from "node:http";
import { expect } from "chai";
import {
  allPairs,
  ask,
  type Backend,
  type BalancedBackends,
  type Balancer,
  ownerOf,
  paymentOf,
  startBalancedBackends,
} from "./nginx-harness.ts";

const HEAD = "0b4eaf30-9e5e-4e0c-8b6a-3d1c5f7a90";

const spellings: Record<string, (pair: string) => string> = {
  "as the load generator writes it": (pair) => `{"correlationId":"${HEAD}${pair}","amount":19.9}`,
  "in upper case": (pair) => `{"correlationId":"${(HEAD + pair).toUpperCase()}","amount":19.9}`,
  "with the first digit in upper case": (pair) =>
    `{"correlationId":"${HEAD}${pair[0]?.toUpperCase()}${pair[1]}","amount":19.9}`,
  "with the second digit in upper case": (pair) =>
    `{"correlationId":"${HEAD}${pair[0]}${pair[1]?.toUpperCase()}","amount":19.9}`,
  "with white space of every kind": (pair) =>
    `{\r\n\t"correlationId" \t\r\n : \n\n\t "${HEAD}${pair}" ,\n"amount" : 1 }`,
  "after other fields": (pair) => `{"amount":1e2,"note":"correlationId: none","correlationId":"${HEAD}${pair}"}`,
};

describe("nginx: the owner of a payment", function () {
  this.timeout(15_000);
  let service: BalancedBackends;
  let balancer: Balancer;
  let backends: readonly Backend[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });

  before(async () => {
    service = await startBalancedBackends();
    ({ balancer, backends } = service);
  });

  beforeEach(() => {
    for (const backend of backends) backend.received.length = 0;
  });

  after(async () => {
    agent.destroy();
    await service?.stop();
  });

  /** Returns the index of the instance that got it. */
  function post(body: string): Promise<number> {
    return new Promise((done, fail) => {
      const outgoing = request(
        { host: "127.0.0.1", port: balancer.port, path: "/payments", method: "POST", agent },
        (incoming) => {
          incoming.resume();
          incoming.on("end", () => done(Number(String(incoming.headers["x-instance"]).slice(-1)) - 1));
        },
      );
      outgoing.on("error", fail);
      outgoing.end(body);
    });
  }

  for (const [spelling, bodyOf] of Object.entries(spellings)) {
    it(`is the one the instances compute, for all 256 pairs, ${spelling}`, async () => {
      const owners = await Promise.all(allPairs.map((pair) => post(bodyOf(pair))));
      expect(owners).to.deep.equal(allPairs.map(ownerOf));
    });
  }

  it("shares the pairs evenly", () => {
    const shares = [0, 1].map((index) => allPairs.filter((pair) => ownerOf(pair) === index).length);
    expect(Math.abs(shares[0]! - shares[1]!)).to.be.at.most(16);
  });

  it("is found in chunked bodies and in bodies that come in pieces", async () => {
    for (const pair of ["00", "01", "7f", "fe"]) {
      const body = [`{"correlationId":"${HEAD.slice(0, 9)}`, `${HEAD.slice(9)}${pair[0]}`, `${pair[1]}","amount":2}`];
      const answer = await ask(balancer.port, "/payments", { method: "POST", body });
      expect(answer.headers["x-instance"], pair).to.equal(`instance-${ownerOf(pair) + 1}`);
    }
    expect(backends.flatMap(({ received }) => received.map(({ body }) => JSON.parse(body)))).to.have.length(4);
  });

  it("is found in the largest body, though each byte is a chunk of its own: nothing is written to disk", async () => {
    for (const index of [0, 1]) {
      const body = [...paymentOf(index).padEnd(8192)];
      const answer = await ask(balancer.port, "/payments", { method: "POST", body });
      expect([answer.status, answer.headers["x-instance"]]).to.deep.equal([202, `instance-${index + 1}`]);
    }
  });

  it("does not matter while nobody can tell: such bodies of one client all meet the same instance", async () => {
    const bodies = [
      "",
      "{}",
      "[1]",
      `{"correlationId":"${HEAD}zz"}`,
      `{"correlationId":"${HEAD}"}`,
      "\u0000".repeat(100),
    ];
    const owners = new Set(await Promise.all(bodies.map(post)));
    expect(owners.size).to.equal(1);
  });

  it("is met over few connections, all of them kept", async () => {
    for (const backend of backends) backend.connectionCount = 0;
    for (let round = 0; round < 4; round++) {
      await Promise.all(allPairs.map((pair) => post(`{"correlationId":"${HEAD}${pair}","amount":1}`)));
    }
    for (const { connectionCount } of backends) expect(connectionCount).to.be.at.most(16);
  });
});
