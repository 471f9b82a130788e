import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { expect } from "chai";
import { NotDoneError } from "../../../server/lease/database.ts";
import { Authority } from "../../support/certificates.ts";
import { makeStore, useDatabases, usePostgres } from "../../support/postgres-store.ts";
import { failure } from "../../support/processes.ts";

const HBA = `local all all trust
host all all 127.0.0.1/32 scram-sha-256
`;
const TLS_ONLY = `local all all trust
hostssl all all 127.0.0.1/32 trust
`;
const MUTUAL = `local all all trust
hostssl all all 127.0.0.1/32 cert
`;
const SEEN = `SELECT pg_stat_ssl.ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
  WHERE application_name = 'rinha'`;

describe("a server that takes connections and says nothing", () => {
  const open = useDatabases();
  const sockets = new Set<Socket>();
  const silent = createServer((socket) => sockets.add(socket));
  let url: string;

  before(async () => {
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    url = `postgres://u@127.0.0.1:${(silent.address() as { port: number }).port}/d?sslmode=disable&connect_timeout=1`;
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });

  it("is given up after the time for connecting", async () => {
    const error = await failure(open(url).layout());
    expect(error).to.be.instanceOf(NotDoneError);
    expect(error.message).to.include("timeout expired");
  });

  it("is not waited for longer than a call may take, nor when the store is closed", async () => {
    const database = open(url, { timeoutMs: 200, hotTimeoutMs: 20_000 });
    expect((await failure(database.layout())).message).to.include("no connection in time: timeoutMs=200");
    const renewal = failure(database.renew("life", "renewal"));
    const beganMs = performance.now();
    await database.close();
    expect((await renewal).message).to.include("closed");
    expect(performance.now() - beganMs).to.be.below(500);
  });

  it("does not make callers pile up", async () => {
    const database = open(url);
    const calls = Array.from({ length: 1100 }, () => failure(database.outline(0)));
    const errors = await Promise.all(calls);
    const refused = errors.filter(({ message }) => message.includes("too many calls wait for the database"));
    expect(refused).to.have.lengthOf(1100 - 1024);
    expect(sockets.size).to.be.below(20);
  });
});

describe("a connection to PostgreSQL", () => {
  const server = usePostgres();
  const open = useDatabases();
  let authority: Authority;

  before(async () => {
    await makeStore(server());
    authority = new Authority();
  });
  after(() => authority?.remove());

  async function allow(rules: string): Promise<void> {
    server().writeFile("pg_hba.conf", rules);
    await server().query("SELECT pg_reload_conf()");
    // It is read by the server's first process, in its own time.
    await server().query("SELECT pg_sleep(0.3)");
  }
  const url = (query: string, user = "rinha"): string => `postgres://${user}@${server().address}/rinha?${query}`;

  it("gives the password, and never shows it", async () => {
    await server().query("CREATE ROLE known LOGIN PASSWORD 'right&proper'; GRANT ALL ON SCHEMA rinha TO known");
    await server().query("GRANT ALL ON ALL TABLES IN SCHEMA rinha TO known");
    await allow(HBA);
    expect(await open(url("", "known:right%26proper")).layout()).to.include({ partitionCount: 3 });
    const error = await failure(open(url("", "known:wrong%26secret")).layout());
    expect(error.message).to.include("28P01");
    expect(JSON.stringify([error, error.message, error.stack, String(error.cause)])).to.not.match(/secret/);
  });

  it("takes the password from PGPASSWORD where the URL has none", async () => {
    const before = process.env["PGPASSWORD"];
    process.env["PGPASSWORD"] = "right&proper";
    try {
      expect(await open(url("", "known")).layout()).to.include({ partitionCount: 3 });
    } finally {
      if (before === undefined) delete process.env["PGPASSWORD"];
      else process.env["PGPASSWORD"] = before;
    }
  });

  it("is in plain text where the server has no TLS, unless that was asked for", async () => {
    await allow(HBA.replace("scram-sha-256", "trust"));
    expect(await open(url("")).layout()).to.include({ partitionCount: 3 });
    expect((await failure(open(url("sslmode=require")).layout())).message).to.include("does not support SSL");
  });

  it("is by TLS where the server has it, and checks the server as it was asked to", async () => {
    const { cert, key } = authority.issue("127.0.0.1");
    const elsewhere = authority.issue("other.example");
    const ca = join(authority.folder, "ca.crt");
    server().writeFile("server.crt", cert);
    server().writeFile("server.key", key);
    await server().set("ssl", "on");
    await allow(TLS_ONLY);
    const database = open(url(""));
    await database.layout();
    expect(await server().query(SEEN)).to.deep.equal([{ ssl: true }]);
    await database.close();
    for (const mode of ["require", "verify-ca", "verify-full"])
      expect(await open(url(`sslmode=${mode}&sslrootcert=${ca}`)).layout()).to.include({ partitionCount: 3 });
    expect((await failure(open(url("sslmode=disable")).layout())).message).to.include("28000");
    expect((await failure(open(url("sslmode=verify-full&sslrootcert=system")).layout())).message).to.match(
      /CERT|verify/,
    );

    server().writeFile("server.crt", elsewhere.cert);
    server().writeFile("server.key", elsewhere.key);
    await allow(TLS_ONLY);
    expect(await open(url(`sslmode=verify-ca&sslrootcert=${ca}`)).layout()).to.include({ partitionCount: 3 });
    const error = await failure(open(url(`sslmode=verify-full&sslrootcert=${ca}`)).layout());
    expect(error.message).to.include("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  it("shows its own certificate where the server wants one", async () => {
    const { cert, key, ca } = authority.issue("rinha");
    const [certPath, keyPath] = [join(authority.folder, "own.crt"), join(authority.folder, "own.key")];
    writeFileSync(certPath, cert);
    writeFileSync(keyPath, key);
    server().writeFile("ca.crt", ca);
    await server().set("ssl_ca_file", "ca.crt");
    await allow(MUTUAL);
    expect((await failure(open(url("sslmode=require")).layout())).message).to.include("28000");
    const own = `sslmode=require&sslcert=${certPath}&sslkey=${keyPath}`;
    expect(await open(url(own)).layout()).to.include({ partitionCount: 3 });
  });
});
