import { expect } from "chai";
import pino from "pino";
import { ConnectionBound } from "../../server/connection-bound.ts";

describe("bound of connections", () => {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  let bound: ConnectionBound;

  beforeEach(() => {
    lines.length = 0;
    bound = new ConnectionBound("clients", 4, logger);
  });

  /** A connection as the listener sees it: closing it ends it at once. */
  function connect(): { isClosed: boolean } {
    const connection = {
      isClosed: false,
      close(): void {
        this.isClosed = true;
        bound.ended();
      },
    };
    bound.began(connection);
    return connection;
  }

  it("lets as many be open as are allowed, and closes each one beyond that", () => {
    const connections = Array.from({ length: 7 }, connect);
    expect(connections.map(({ isClosed }) => isClosed)).to.deep.equal([false, false, false, false, true, true, true]);
    expect([bound.openCount, bound.refusedCount]).to.deep.equal([4, 3]);
  });

  it("takes the next as soon as one has gone", () => {
    for (let i = 0; i < 5; i++) connect();
    bound.ended();
    expect(connect().isClosed).to.equal(false);
    expect(connect().isClosed).to.equal(true);
  });

  it("says once that it refuses, and once that it is over, however many came between", () => {
    bound = new ConnectionBound("clients", 8, logger);
    for (let i = 0; i < 50; i++) connect();
    bound.ended();
    for (let i = 0; i < 50; i++) connect();
    expect(lines.map(({ msg }) => msg)).to.deep.equal(["connections are refused: too many are open"]);
    expect(lines[0]).to.include({ callers: "clients", max: 8 });
    bound.ended();
    bound.ended();
    expect(lines.map(({ msg }) => msg).slice(1)).to.deep.equal(["connections are accepted again"]);
    expect(lines[1]).to.include({ callers: "clients", refused: bound.refusedCount });
  });
});
