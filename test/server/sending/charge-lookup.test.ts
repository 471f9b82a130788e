import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { PatientLookup } from "../../../server/restored/patient-lookup.ts";
import { ChargeLookup } from "../../../server/sending/charge-lookup.ts";
import type { Told } from "../../../server/sending/told-charge.ts";
import { NameLookup } from "../../../server/system/name-lookup.ts";
import { RealNetwork } from "../../../server/system/real-network.ts";
import { RealTime } from "../../../server/system/time.ts";
import { Authority } from "../../support/certificates.ts";
import { processorAt } from "../../support/targets.ts";

const ID = "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3";
const CHARGE = `{"correlationId":"${ID}","amount":19.90,"requestedAt":"2025-07-15T12:00:00.007"}`;
const TOLD: Told = {
  kind: "charge",
  charge: { cents: 1990, requestedAtMs: Date.UTC(2025, 6, 15, 12, 0, 0, 7), hasMore: false },
};
const NOT_TOLD: Told = { kind: "not told" };

const names = new NameLookup();

for (const scheme of ["http", "https"] as const) {
  describe(`lookup of a charge by ${scheme}`, () => {
    let server: Server;
    let authority: Authority | undefined;
    let url: URL;
    let behaviour: (res: ServerResponse, req: IncomingMessage) => void;
    let requests: string[];
    let connectionCount: number;
    let lookup: ChargeLookup;

    before(async () => {
      const listener = (req: IncomingMessage, res: ServerResponse): void => {
        requests.push(`${req.method} ${req.url} ${req.headers.host}`);
        behaviour(res, req);
      };
      if (scheme === "https") authority = new Authority();
      server = authority ? createTlsServer(authority.issue("127.0.0.1"), listener) : createServer(listener);
      server.on(authority ? "secureConnection" : "connection", () => connectionCount++);
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      url = new URL(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/a/`);
    });

    beforeEach(() => {
      requests = [];
      connectionCount = 0;
      behaviour = (res) => res.end(CHARGE);
      lookup = new ChargeLookup(processorAt(url, { tls: authority && { ca: authority.cert } }), 300, {
        network: new RealNetwork(names),
        time: new RealTime(),
      });
    });

    afterEach(() => lookup.close());

    after(() => {
      server.closeAllConnections();
      server.close();
      authority?.remove();
    });

    it("tells what the processor tells, over a connection that is kept", async () => {
      expect(await lookup.ask(ID)).to.deep.equal(TOLD);
      behaviour = (res) => res.writeHead(404).end();
      expect(await lookup.ask(ID)).to.deep.equal({ kind: "not found" });
      expect(requests).to.deep.equal([`GET /a/payments/${ID} ${url.host}`, `GET /a/payments/${ID} ${url.host}`]);
      expect(connectionCount).to.equal(1);
    });

    it("asks again at once when a kept connection turns out to be closed, and only then", async () => {
      await lookup.ask(ID);
      let drops = 1;
      behaviour = (res) => (drops-- > 0 ? void res.socket!.destroy() : res.end(CHARGE));
      expect(await lookup.ask(ID)).to.deep.equal(TOLD);
      expect([requests.length, connectionCount]).to.deep.equal([3, 2]);
      behaviour = (res) => void res.socket!.destroy();
      await lookup.ask(ID);
      requests = [];
      expect(await lookup.ask(ID)).to.deep.equal(NOT_TOLD);
      expect(requests).to.have.length(1);
    });

    it("is not told in time, nor where nobody listens, nor when it is closed", async () => {
      behaviour = () => {};
      const beganAtMs = performance.now();
      expect(await lookup.ask(ID)).to.deep.equal(NOT_TOLD);
      expect(performance.now() - beganAtMs).to.be.within(290, 2000);
      const nowhere = new ChargeLookup(processorAt(`${scheme}://127.0.0.1:1`), 300, {
        network: new RealNetwork(names),
        time: new RealTime(),
      });
      expect(await nowhere.ask(ID)).to.deep.equal(NOT_TOLD);
      const asked = lookup.ask(ID);
      setTimeout(() => lookup.close(), 20);
      expect(await asked).to.deep.equal(NOT_TOLD);
    });

    it("spares a processor that does not answer: one question at a time, after a pause, until it does", async () => {
      behaviour = (res) => res.writeHead(503).end();
      let nowMs = 7;
      const patient = new PatientLookup(lookup, () => nowMs);
      const together = await Promise.all([patient.ask(ID), patient.ask(ID), patient.ask(ID)]);
      expect(together).to.deep.equal([NOT_TOLD, NOT_TOLD, NOT_TOLD]);
      expect([requests.length, patient.isTelling]).to.deep.equal([3, false]);
      expect(await patient.ask(ID)).to.deep.equal(NOT_TOLD);
      expect(requests, "none is asked in the pause").to.have.length(3);
      nowMs += 100;
      await Promise.all([patient.ask(ID), patient.ask(ID)]);
      expect(requests, "one tries").to.have.length(4);
      behaviour = (res) => res.end(CHARGE);
      nowMs += 199;
      expect(await patient.ask(ID), "the pause has doubled").to.deep.equal(NOT_TOLD);
      nowMs += 1;
      expect(await patient.ask(ID)).to.deep.equal(TOLD);
      expect(await Promise.all([patient.ask(ID), patient.ask(ID)])).to.deep.equal([TOLD, TOLD]);
      expect(patient.isTelling).to.equal(true);
    });
  });
}
