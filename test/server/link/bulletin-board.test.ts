import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "chai";
import { Listener } from "../../../server/http/listener.ts";
import { BulletinBoard } from "../../../server/link/bulletin-board.ts";
import { LINK_BULLETINS } from "../../../server/link/peer-answers.ts";
import type { Bulletin, Carriage } from "../../../server/partition/neighbours.ts";
import { RealTime } from "../../../server/system/time.ts";
import { until } from "../../e2e/until.ts";

describe("board of bulletins", () => {
  let folder: string;
  let path: string;
  let board: BulletinBoard;
  let listener: Listener;
  let carries: Carriage[];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "rinha-board-"));
    path = join(folder, "link.sock");
    carries = [];
    board = new BulletinBoard(new RealTime());
    listener = await Listener.open({ kind: "unix", path }, (app) => {
      app.get(LINK_BULLETINS, (res) => board.serve(res));
    });
  });
  afterEach(() => {
    board.close();
    listener.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    rmSync(folder, { recursive: true });
  });

  const said = (): Bulletin => ({ instance: 0, life: "a", upMs: 1, isLeaving: false, carries });
  const carryMany = (epoch: number): Carriage[] =>
    Array.from({ length: 256 }, (_, partition) => ({ partition, epoch, state: "carried", sinceMs: 1_752_000_000_000 }));

  /** A connection that has asked for the bulletins, and all that it has read. */
  async function reader(): Promise<{ socket: Socket; read: () => string }> {
    const socket = connect(path);
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes;
    });
    socket.on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    socket.write(`GET ${LINK_BULLETINS} HTTP/1.1\r\nHost: instance\r\n\r\n`);
    return { socket, read: () => text };
  }

  const countIn = (text: string): number => text.split('"life"').length - 1;

  it("tells a reader at once, of every change, and five times a second", async () => {
    board.publish(said);
    const { read } = await reader();
    await until("the first is there", () => countIn(read()) === 1);
    const beganAtMs = performance.now();
    await until("so are five more", () => countIn(read()) === 6);
    expect(performance.now() - beganAtMs).to.be.within(600, 3000);
    carries = carryMany(7);
    board.tell();
    await until("the change is there", () => read().includes('"epoch":7'));
  });

  it("tells whoever came before there was anything to tell", async () => {
    const { read } = await reader();
    await sleep(50);
    board.tell();
    expect(countIn(read())).to.equal(0);
    board.publish(said);
    await until("the first is there", () => countIn(read()) === 1);
  });

  it("drops a reader that does not read, and keeps no more for it than the kernel does", async () => {
    board.publish(said);
    carries = carryMany(1);
    const lineBytes = JSON.stringify(said()).length;
    const { socket, read } = await reader();
    await until("the first is there", () => countIn(read()) === 1);
    socket.pause();
    const other = await reader();
    let toldCount = 0;
    const beganAtMs = performance.now();
    while (performance.now() - beganAtMs < 2500) {
      board.tell();
      toldCount++;
      await sleep(1);
    }
    const before = read().length;
    socket.resume();
    await once(socket, "close");
    expect(toldCount).to.be.above(200);
    expect(read().length - before).to.be.below(1 << 20);
    expect(toldCount * lineBytes).to.be.above(4 << 20);
    // The others are told all the while.
    expect(other.socket.destroyed).to.equal(false);
    expect(countIn(other.read())).to.be.above(toldCount / 2);
  });

  it("tells a reader that was behind for a moment how things are now", async () => {
    board.publish(said);
    carries = carryMany(1);
    const { socket, read } = await reader();
    await until("the first is there", () => countIn(read()) === 1);
    socket.pause();
    for (let i = 0; i < 50; i++) board.tell();
    carries = carryMany(9);
    board.tell();
    socket.resume();
    await until("the newest is there", () => read().includes('"epoch":9'));
    expect(socket.destroyed).to.equal(false);
    expect(countIn(read())).to.be.below(50);
  });

  it("hangs up on all when it is closed, and on whoever comes later", async () => {
    board.publish(said);
    const before = await reader();
    await until("the first is there", () => countIn(before.read()) === 1);
    board.close();
    await once(before.socket, "close");
    const after = await reader();
    await once(after.socket, "close");
    expect(after.read()).to.equal("");
  });
});
