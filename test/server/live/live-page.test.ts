import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Listener } from "../../../server/http/listener.ts";
import type { Peers } from "../../../server/link/peers.ts";
import { MemberRoster } from "../../../server/link/roster.ts";
import { LivePage } from "../../../server/live/live-page.ts";
import { logOf } from "../../support/memory-log.ts";
import { until } from "../../support/processes.ts";

const UPGRADE = [
  "GET /live HTTP/1.1",
  "Host: pay.example",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
].join("\r\n");

const member = (number: number) => ({ number, address: `tcp:host-${number}:9000` });

describe("the live page of instances that come and go", () => {
  it("tells how many there are, again when that has changed, and shows those that answer", async () => {
    const roster = new MemberRoster(1, 16, logOf("silent").log.logger);
    const peers = { readings: async () => new Map([[3, '{"peer":3}']]) } as unknown as Peers;
    const page = new LivePage(peers, async () => '{"own":1}', {
      roster,
      partitionCount: 12,
      answerWithinMs: 2000,
      corsOrigin: "",
      processors: [],
      processorAdminToken: "",
    });
    const folder = mkdtempSync(join(tmpdir(), "rinha-page-"));
    const path = join(folder, "s");
    const listener = await Listener.open({ kind: "unix", path }, (app) => page.register(app));
    const socket = connect(path);
    let heard = "";
    socket.on("data", (chunk: Buffer) => {
      heard += chunk.toString("latin1");
    });
    try {
      socket.write(`${UPGRADE}\r\n\r\n`);
      await until(() => heard.includes('"instances":[null,{"own":1}]'));
      expect(heard).to.contain('"instance":2,"instanceCount":2');
      roster.set([member(3), member(1)]);
      await until(() => heard.includes('"instanceCount":4'));
      await until(() => heard.includes('"instances":[null,{"own":1},null,{"peer":3}]'));
      roster.set([member(3), member(0)]);
      expect(heard.match(/"instanceCount":4/g)).to.have.length(1);
    } finally {
      socket.destroy();
      listener.close();
      await page.close();
      rmSync(folder, { recursive: true });
    }
    // Nobody is told any more.
    roster.set([]);
  });
});
