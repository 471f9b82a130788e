import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import type { Caller } from "../caller.ts";
import { RawConnection } from "../raw-connection.ts";
import { scrapeAll, sumOf } from "../scrape.ts";
import { Service } from "../service.ts";
import { adminSpellings, CANARY, CANARY_LEVEL, SMUGGLING } from "./smuggling-attempts.ts";

const LEVEL = "silent";
/** Long enough for a request that was smuggled to get through; a miss only makes the next check find it. */
const QUIET_MS = 15;
const ANSWER_MS = 400;
const PROBES = 6;
/** nginx.conf's own, which no instance says. */
const BALANCERS_WORDS = ["no such resource", "the request is not valid HTTP"];

describe("requests hidden in requests", function () {
  this.timeout(60_000);
  let service: Service;

  before(async () => {
    service = await Service.start({ env: { LOG_LEVEL: LEVEL, PURGE_ENABLED: "true", PROCESSOR_ADMIN_TOKEN: "123" } });
  });

  after(() => service?.stop());

  async function levels(): Promise<string[]> {
    const answers = await Promise.all(service.instances.map((caller) => caller.get("/log-level")));
    return answers.map(({ body }) => (JSON.parse(body) as { level: string }).level);
  }

  /** Requests to paths that no instance has, as far as the instances have seen any. */
  async function strayCount(): Promise<number> {
    return sumOf(await scrapeAll(service), "rinha_http_requests_total", { route: "other" });
  }

  async function send(bytes: string): Promise<RawConnection> {
    const connection = new RawConnection(service.frontTarget);
    await connection.send(Buffer.from(bytes, "latin1"));
    const deadlineMs = performance.now() + ANSWER_MS;
    while (!connection.isClosed && connection.headCount === 0 && performance.now() < deadlineMs) await sleep(2);
    await sleep(QUIET_MS);
    return connection;
  }

  /** Everybody still gets the answer to his own question. */
  async function expectOwnAnswers(what: string, caller: Caller): Promise<void> {
    const ids = Array.from({ length: PROBES }, () => randomUUID());
    const answers = await Promise.all(ids.map((id) => caller.get(`/payments/${id}`)));
    for (const [i, { status, body }] of answers.entries()) {
      expect(status, what).to.equal(404);
      expect(body, what).to.include(ids[i]);
    }
  }

  const isLive = (bytes: string): boolean => /^\w+ \/live /.test(bytes);

  it("would be noticed: an instance by itself takes the canary", async () => {
    const [direct] = service.instances;
    const strays = await strayCount();
    const connection = new RawConnection({ socketPath: service.topology.instanceSocket(1) });
    await connection.send(CANARY);
    const answers = await connection.answers(2);
    connection.close();
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 404]);
    expect(await levels()).to.deep.equal([CANARY_LEVEL, LEVEL]);
    expect(await strayCount()).to.equal(strays + 1);
    await direct!.ask("PUT", "/log-level", { body: `{"level":"${LEVEL}"}` });
  });

  for (const [kind, attempts] of Object.entries(SMUGGLING)) {
    it(`get to no instance by ${kind}`, async () => {
      let strayed = await strayCount();
      for (const [name, bytes] of Object.entries(attempts)) {
        const connection = await send(bytes);
        expect(await levels(), name).to.deep.equal([LEVEL, LEVEL]);
        // Where no socket is asked for, /live is such a path itself.
        if (isLive(bytes) && connection.status === 404) strayed++;
        expect(await strayCount(), name).to.equal(strayed);
        connection.close();
        await expectOwnAnswers(name, service.front);
      }
    });
  }

  it("get to no instance by another spelling of their path: the balancer itself answers", async () => {
    for (const target of adminSpellings()) {
      for (const method of ["GET", "PUT", "POST"]) {
        const what = `${method} ${target}`;
        const body = method === "GET" ? "" : `{"level":"${CANARY_LEVEL}"}`;
        const bytes = `${method} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
        const connection = new RawConnection(service.frontTarget);
        await connection.send(bytes);
        const [answer] = await connection.answers(1);
        connection.close();
        expect(answer!.status, what).to.be.oneOf([400, 404]);
        expect(JSON.parse(answer!.body), what).to.have.property("detail").that.is.oneOf(BALANCERS_WORDS);
      }
    }
    expect(await levels()).to.deep.equal([LEVEL, LEVEL]);
  });
});
