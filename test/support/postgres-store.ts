import type { Socket } from "node:net";
import { connect, createServer } from "node:net";
import { findPostgres, PostgresServer } from "../../perf/postgres/postgres-server.ts";
import { Connector } from "../../server/postgres/connector.ts";
import { migrate } from "../../server/postgres/migration.ts";
import { PostgresDatabase, type PostgresOptions } from "../../server/postgres/postgres-database.ts";
import { readStoreUrl } from "../../server/postgres/store-url.ts";

const PATIENCE_MS = 10_000;

/** A server for the tests of the enclosing `describe`, which are skipped with the reason where none can be had. */
export function usePostgres(): () => PostgresServer {
  let server: PostgresServer | undefined;
  before(async function () {
    const found = findPostgres();
    if ("missing" in found) {
      this.test!.title = `is skipped: ${found.missing}`;
      return this.skip();
    }
    server = await PostgresServer.start();
  });
  after(() => server?.remove());
  return () => server!;
}

/** A new store in place of the one before. */
export async function makeStore(server: PostgresServer, partitionCount = 3): Promise<void> {
  await server.query("DROP SCHEMA IF EXISTS rinha CASCADE");
  const connector = new Connector(readStoreUrl(server.url));
  const session = await connector.connect(PATIENCE_MS);
  try {
    const migration = await migrate(session, partitionCount, PATIENCE_MS);
    if ("refusal" in migration) throw new Error(migration.refusal);
  } finally {
    session.end();
    connector.close();
  }
}

/** The stores of a test, closed after it. */
export function useDatabases(): (url: string, options?: PostgresOptions) => PostgresDatabase {
  const open: PostgresDatabase[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((database) => database.close()));
  });
  return (url, options) => {
    const database = new PostgresDatabase(readStoreUrl(url), options);
    open.push(database);
    return database;
  };
}

/** A way to a server that can lose its answers, or everything. */
export class LossyProxy {
  /** From now on nothing of what the server says gets through. */
  losesAnswers = false;
  readonly #server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((client) => {
      const upstream = connect(port, "127.0.0.1");
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
      }
      client.on("data", (data) => upstream.write(data)).on("close", () => upstream.destroy());
      upstream.on("data", (data) => this.losesAnswers || client.write(data)).on("close", () => client.destroy());
    });
  }

  static async to(port: number): Promise<LossyProxy> {
    const proxy = new LossyProxy(port);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** As PostgresServer.urlOf takes it. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as { port: number }).port}`;
  }

  /** Ends all connections, to both sides. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
