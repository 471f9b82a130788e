import { expect } from "chai";
import { formatTarget, readStoreUrl } from "../../../server/postgres/store-url.ts";

const refusal = (url: string): string => {
  try {
    readStoreUrl(url);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(`the URL must be refused: url=${url}`);
};

describe("the URL of a store", () => {
  it("names user, password, hosts and database", () => {
    const target = readStoreUrl("postgres://us%40er:pa%3Ass@one:1234,two,[::1]:99/pay%20ments");
    expect(target).to.deep.include({ user: "us@er", password: "pa:ss", database: "pay ments", connectTimeoutMs: 2000 });
    expect(target.hosts).to.deep.equal([
      { host: "one", port: 1234 },
      { host: "two", port: 5432 },
      { host: "::1", port: 99 },
    ]);
    expect(formatTarget(target)).to.equal("one:1234,two:5432,[::1]:99/pay ments");
  });

  it("takes the directory of a Unix socket, in place of a host or as a parameter", () => {
    const hosts = [{ host: "/run/pg", port: 5433 }];
    expect(readStoreUrl("postgres://u@%2Frun%2Fpg:5433/d").hosts).to.deep.equal(hosts);
    expect(readStoreUrl("postgresql://u@/d?host=/run/pg&port=5433").hosts).to.deep.equal(hosts);
    expect(readStoreUrl("postgres://u@/d?host=/a,b&port=1,2").hosts).to.deep.equal([
      { host: "/a", port: 1 },
      { host: "b", port: 2 },
    ]);
  });

  it("has the database by the name of the user, and what is usual", () => {
    expect(readStoreUrl("postgres://me@h")).to.deep.include({ database: "me", password: undefined });
    expect(readStoreUrl("postgres://h/?user=me&dbname=d&application_name=a&connect_timeout=5")).to.deep.include({
      ...{ user: "me", database: "d", applicationName: "a", connectTimeoutMs: 5000 },
    });
    expect(readStoreUrl("postgres:///d").hosts).to.deep.equal([{ host: "localhost", port: 5432 }]);
  });

  it("has TLS as sslmode says", () => {
    const tlsOf = (query: string) => readStoreUrl(`postgres://u@h/d?${query}`).tls;
    expect(tlsOf("")).to.deep.equal({ first: { rejectUnauthorized: false }, second: "plain" });
    expect(tlsOf("sslmode=disable")).to.deep.equal({ first: undefined, second: undefined });
    expect(tlsOf("sslmode=require")).to.deep.equal({ first: { rejectUnauthorized: false }, second: undefined });
    expect(tlsOf("sslmode=verify-full&sslrootcert=system").first).to.deep.equal({ rejectUnauthorized: true });
  });

  for (const [url, rule] of [
    ["http://u:secret@h/d", "STORE_URL=(not shown)"],
    ["postgres://u:pa@secret@h/d", "an @ is %40"],
    ["postgres://u:pa/secret@h/d", "an @ is %40"],
    ["postgres://u:pa?secret@h/d", "an @ is %40"],
    ["postgres://u:pa#secret@h/d", "STORE_URL=(not shown)"],
    ["postgres://u:secret@h:0/d", "port=0"],
    ["postgres://u:secret@h:70000/d", "port=70000"],
    ["postgres://u:secret@a b/d", "host=a b"],
    ["postgres://u:%zz@h/d", "name=password"],
    ["postgres://u:secret@h/d?sslmode=maybe", "sslmode=maybe"],
    ["postgres://u:secret@h/d?sslmode=verify-full", "sslrootcert="],
    ["postgres://u:secret@h/d?sslmode=verify-ca&sslrootcert=system", "sslmode=verify-ca"],
    ["postgres://u:secret@h/d?sslmode=require&sslcert=/x", "sslcert"],
    ["postgres://u:secret@h/d?sslmode=disable&sslrootcert=/x", "sslrootcert=given"],
    ["postgres://u:secret@h/d?sslmode=require&sslrootcert=/none", "sslrootcert=/none code=ENOENT"],
    ["postgres://u:secret@h/d?channel_binding=require", "name=channel_binding"],
    ["postgres://u:secret@h/d?port=1&port=2", "name=port"],
    ["postgres://u:secret@h/d?host=other", "host=both"],
    ["postgres://u:secret@/d?host=a,b,c&port=1,2", "ports=2 hosts=3"],
    ["postgres://u:secret@h/d?target_session_attrs=any", "target_session_attrs=any"],
    ["postgres://u:secret@h/d?connect_timeout=0", "connect_timeout=0"],
  ] as const) {
    it(`is refused, without the password: ${url}`, () => {
      expect(refusal(url)).to.include(rule).and.not.include("secret");
    });
  }
});
