import { once } from "node:events";
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Listener } from "../../../server/http/listener.ts";
import type { Address } from "../../../server/system/address.ts";

describe("listener", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-listener-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function open(address: Address): Promise<Listener> {
    return Listener.open(address, (app) => {
      app.any("/*", (res) => void res.end("here"));
    });
  }

  async function statusAt(socketPath: string): Promise<number | undefined> {
    const outgoing = request({ socketPath, path: "/", agent: false }).end();
    const [incoming] = await once(outgoing, "response");
    incoming.resume();
    await once(incoming, "end");
    return incoming.statusCode;
  }

  it("takes the place of a socket that an earlier life left behind", async () => {
    const path = join(folder, "left.sock");
    const earlier = createServer().listen(`${path}.earlier`);
    await once(earlier, "listening");
    renameSync(`${path}.earlier`, path);
    earlier.close();
    await once(earlier, "close");
    const listener = await open({ kind: "unix", path });
    expect(await statusAt(path)).to.equal(200);
    listener.close();
  });

  it("takes the place of no file, and of no link to one", async () => {
    const file = join(folder, "accounts.txt");
    const link = join(folder, "link.sock");
    writeFileSync(file, "precious");
    symlinkSync(file, link);
    for (const path of [file, link, folder]) {
      const error = await open({ kind: "unix", path }).then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(error?.message, path).to.include(`address=unix:${path}`);
    }
    expect(readFileSync(link, "utf8")).to.equal("precious");
  });

  it("rejects, naming the address, where it cannot listen", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    const addresses: [Address, string][] = [
      [{ kind: "tcp", host: "127.0.0.1", port }, `tcp:127.0.0.1:${port}`],
      [{ kind: "unix", path: join(folder, "none", "a.sock") }, `unix:${join(folder, "none", "a.sock")}`],
    ];
    for (const [address, text] of addresses) {
      const error = await open(address).then(
        () => undefined,
        (reason: Error) => reason,
      );
      expect(error?.message, text).to.equal(`cannot listen: address=${text}`);
    }
    holder.close();
    await once(holder, "close");
  });

  it("shares its port with nobody", async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    holder.close();
    await once(holder, "close");
    const first = await open({ kind: "tcp", host: "127.0.0.1", port });
    const second = await open({ kind: "tcp", host: "127.0.0.1", port }).then(
      () => "opened",
      () => "rejected",
    );
    first.close();
    expect(second).to.equal("rejected");
  });
});
