import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import * as Outcome from "../../../core/values/outcome.ts";
import { AttemptMeters } from "../../../server/meters/meters.ts";
import { ProcessorClient } from "../../../server/sending/processor-client.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealNetwork } from "../../../server/system/real-network.ts";
import { RealTime } from "../../../server/system/time.ts";
import { Authority } from "../../support/certificates.ts";
import { EngineLife } from "../../support/engine-life.ts";
import { processorAt } from "../../support/targets.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const REQUESTED_AT = "2025-07-15T12:00:00.007Z";
const PROCESSED = '{"message":"payment processed successfully"}';

const surroundings = { network: new RealNetwork(new NameLookup()), time: new RealTime() };

type Behaviour = (res: ServerResponse, req: IncomingMessage) => void;
type Ask = "post" | "lookup";

function answer(status: number, body = ""): Behaviour {
  return (res) => res.writeHead(status, { "content-type": "application/json" }).end(body);
}

function charge(amount: number | string, requestedAt: string): Behaviour {
  return answer(200, JSON.stringify({ correlationId: ID, amount, requestedAt }));
}

for (const scheme of ["http", "https"] as const) {
  describe(`processor client by ${scheme}`, () => {
    let server: Server;
    let authority: Authority | undefined;
    let url: URL;
    let behaviour: Behaviour;
    const received: { method: string; url: string; body: string; type: string | undefined }[] = [];

    before(async () => {
      const listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
        let body = "";
        for await (const chunk of req) body += String(chunk);
        received.push({ method: req.method!, url: req.url!, body, type: req.headers["content-type"] });
        behaviour(res, req);
      };
      if (scheme === "https") authority = new Authority();
      server = authority ? createTlsServer(authority.issue("127.0.0.1"), listener) : createServer(listener);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      url = new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`);
    });

    beforeEach(() => received.splice(0));

    after(() => {
      server.closeAllConnections();
      server.close();
      authority?.remove();
    });

    /** What comes of asking about one payment of 19.90, sent at REQUESTED_AT. */
    async function outcomeOf(ask: Ask, target = url, meanwhile?: (client: ProcessorClient) => void): Promise<string> {
      const life = new EngineLife();
      life.accept(5, ID, 1990);
      const flight = life.send(7);
      let client: ProcessorClient | undefined;
      const outcomes: number[] = [];
      await new Promise<void>((resolve) => {
        const settle = (settled: number, outcome: number): void => {
          expect(settled).to.equal(flight);
          outcomes.push(outcome);
          resolve();
        };
        const tls = authority && { ca: authority.cert };
        client = new ProcessorClient(
          processorAt(target, { tls }),
          life.engine,
          new AttemptMeters(),
          settle,
          surroundings,
        );
        client[ask](flight);
        // Never from within the call: the engine is not done with the flight yet.
        expect(outcomes).to.deep.equal([]);
        meanwhile?.(client);
      });
      client!.close();
      expect(outcomes, "exactly once").to.have.length(1);
      return Outcome.NAMES[outcomes[0]!]!;
    }

    it("sends the payment as the processors want it, at the requestedAt of the ledger", async () => {
      behaviour = answer(200, PROCESSED);
      expect(await outcomeOf("post")).to.equal(Outcome.NAMES[Outcome.CHARGED]);
      const body = `{"correlationId":"${ID}","amount":19.90,"requestedAt":"${REQUESTED_AT}"}`;
      expect(received).to.deep.equal([{ method: "POST", url: "/payments", body, type: "application/json" }]);
    });

    it("keeps to the path of the URL it was given", async () => {
      behaviour = answer(200, PROCESSED);
      await outcomeOf("post", new URL("processor/", url));
      await outcomeOf("lookup", new URL("/a/b", url));
      expect(received.map((request) => request.url)).to.deep.equal(["/processor/payments", `/a/b/payments/${ID}`]);
    });

    const posts: [string, Behaviour, number][] = [
      ["200", answer(200, PROCESSED), Outcome.CHARGED],
      ["200 of somebody else", answer(200, "<html>welcome</html>"), Outcome.GARBLED],
      ["200 without a body", answer(200), Outcome.GARBLED],
      ["201", answer(201, PROCESSED), Outcome.UNCLEAR],
      ["202", answer(202, PROCESSED), Outcome.ADMITTED],
      ["302", answer(302), Outcome.UNEXPECTED],
      ["308", answer(308), Outcome.MISCONFIGURED],
      ["400", answer(400), Outcome.REJECTED],
      ["401", answer(401), Outcome.MISCONFIGURED],
      ["404", answer(404), Outcome.MISCONFIGURED],
      ["408", answer(408), Outcome.RESET],
      ["409", answer(409), Outcome.UNCLEAR],
      ["413", answer(413), Outcome.REJECTED],
      ["415", answer(415), Outcome.REJECTED],
      ["422", answer(422, '{"message":"exists"}'), Outcome.ALREADY_CHARGED],
      ["429", answer(429), Outcome.OVERLOADED],
      ["500", answer(500), Outcome.FAILING],
      ["500 with a body", answer(500, '{"message":"no"}'), Outcome.ERRED],
      ["500 with a long body", answer(500, "x".repeat(100_000)), Outcome.ERRED],
      ["502", answer(502), Outcome.GATEWAY_FAILED],
      ["503", answer(503), Outcome.GATEWAY_FAILED],
      ["504", answer(504), Outcome.GATEWAY_FAILED],
      [
        "200 with a long body of somebody else",
        (res) => void res.writeHead(200).end("x".repeat(100_000)),
        Outcome.GARBLED,
      ],
      ["a broken connection", (res) => void res.socket!.destroy(), Outcome.RESET],
      [
        "a connection that breaks within the answer",
        (res) => {
          res.writeHead(200, { "content-length": "50" });
          res.write("{", () => res.socket!.destroy());
        },
        Outcome.RESET,
      ],
      ["no HTTP", (res) => void res.socket!.end("hello\r\n\r\n"), Outcome.RESET],
    ];
    for (const [what, does, outcome] of posts) {
      it(`takes ${what} as an answer to a payment for: ${Outcome.NAMES[outcome]}`, async () => {
        behaviour = does;
        expect(await outcomeOf("post")).to.equal(Outcome.NAMES[outcome]);
      });
    }

    const lookups: [string, Behaviour, number][] = [
      ["the payment as it was sent", charge(19.9, REQUESTED_AT), Outcome.FOUND],
      ["the payment, its time written in another way", charge(19.9, "2025-07-15T12:00:00.007000+00:00"), Outcome.FOUND],
      ["the payment, its time without a zone", charge(19.9, "2025-07-15T12:00:00.007"), Outcome.FOUND],
      ["the payment, its time in whole seconds", charge(19.9, "2025-07-15T12:00:00"), Outcome.FOUND],
      ["a payment of another time since", charge(19.9, "2025-07-15T12:00:09.008Z"), Outcome.DISPUTED],
      ["a payment of another time before", charge(19.9, "2025-07-15T11:00:00.008Z"), Outcome.FOREIGN],
      ["a payment of another amount", charge(19.91, REQUESTED_AT), Outcome.FOREIGN],
      ["404", answer(404), Outcome.NOT_FOUND],
      ["a charge without an id or a time", answer(200, '{"amount":"19.90"}'), Outcome.UNREADABLE],
      ["no JSON", answer(200, "yes"), Outcome.NOT_TOLD],
      ["500", answer(500), Outcome.NOT_TOLD],
      ["429", answer(429), Outcome.NOT_TOLD],
    ];
    for (const [what, does, outcome] of lookups) {
      it(`takes ${what} as an answer to a lookup for: ${Outcome.NAMES[outcome]}`, async () => {
        behaviour = does;
        expect(await outcomeOf("lookup")).to.equal(Outcome.NAMES[outcome]);
        expect(received).to.deep.include({ method: "GET", url: `/payments/${ID}`, body: "", type: undefined });
      });
    }

    it("knows that nothing was sent where nobody listens", async () => {
      const closed = createServer().listen(0, "127.0.0.1");
      await once(closed, "listening");
      const { port } = closed.address() as AddressInfo;
      closed.close();
      await once(closed, "close");
      expect(await outcomeOf("post", new URL(`${scheme}://127.0.0.1:${port}`))).to.equal(
        Outcome.NAMES[Outcome.UNREACHABLE],
      );
    });

    it("ends requests that are older than it is told, and no others", async () => {
      behaviour = () => {};
      const outcome = outcomeOf("post", url, (client) => {
        client.expire(performance.now() - 60_000);
        const arrived = setInterval(() => {
          if (received.length === 0) return;
          clearInterval(arrived);
          client.expire(performance.now());
        }, 5);
      });
      expect(await outcome).to.equal(Outcome.NAMES[Outcome.TIMED_OUT]);
    });

    const endless: [string, Behaviour][] = [
      ["trickles", (res) => void writeOn(res.writeHead(200), "x", 5)],
      ["floods", (res) => void writeOn(res.writeHead(500), "x".repeat(65_536), 0)],
    ];
    for (const [what, does] of endless) {
      it(`ends a request whose answer ${what} without end, as one that has none`, async () => {
        behaviour = does;
        const outcome = outcomeOf("post", url, (client) => setTimeout(() => client.expire(performance.now()), 200));
        expect(await outcome).to.equal(Outcome.NAMES[Outcome.TIMED_OUT]);
      });
    }
  });
}

/** Writes the text again and again, for as long as somebody reads. */
function writeOn(res: ServerResponse, text: string, pauseMs: number): void {
  if (!res.destroyed) res.write(text, () => setTimeout(() => writeOn(res, text, pauseMs), pauseMs));
}
