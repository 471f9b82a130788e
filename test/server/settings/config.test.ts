import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import { type Config, readConfig } from "../../../server/settings/config.ts";
import { SETTINGS, settingsHelp, settingsMarkdown } from "../../../server/settings/settings.ts";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../../server/main.js", import.meta.url));

function configOf(environment: Record<string, string>): Config {
  const config = readConfig(environment);
  if (Array.isArray(config)) throw new Error(`must be usable: ${config.join("; ")}`);
  return config;
}

function errorsOf(environment: Record<string, string>): string[] {
  const errors = readConfig(environment);
  return Array.isArray(errors) ? errors : [];
}

type Ended = { code: number; stdout: string; stderr: string };

async function runMain(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
  const ended = await run(process.execPath, [main, ...args], { env: environment, timeout: 20_000 }).catch(
    (error: Ended) => error,
  );
  return { code: "code" in ended ? ended.code : 0, stdout: ended.stdout, stderr: ended.stderr };
}

describe("configuration", () => {
  it("is complete without a single variable", () => {
    const config = configOf({});
    expect(config).to.deep.include({
      profile: "default",
      instance: 0,
      listen: { kind: "tcp", host: "127.0.0.1", port: 8080 },
      links: [],
      settleWithinMs: 2000,
      answerWithinMs: 2000,
      requestTimeoutMs: 10_000,
      purgeEnabled: false,
      corsOrigin: "",
      logLevel: "info",
    });
    expect(config.processors.map(({ url }) => url.href)).to.deep.equal([
      "http://localhost:8001/",
      "http://localhost:8002/",
    ]);
  });

  it("changes with the contest profile, one setting for all", () => {
    expect(configOf({ PROFILE: "contest" })).to.deep.include({
      profile: "contest",
      settleWithinMs: 60_000,
      answerWithinMs: 1200,
      purgeEnabled: true,
      logLevel: "warn",
    });
  });

  it("lets single settings win over the profile", () => {
    const environment = { PROFILE: "contest", SETTLE_WITHIN_MS: "0", PURGE_ENABLED: "false", LOG_LEVEL: "debug" };
    expect(configOf(environment)).to.deep.include({
      settleWithinMs: 0,
      purgeEnabled: false,
      logLevel: "debug",
    });
  });

  it("takes an empty or blank variable for an absent one, and trims", () => {
    expect(configOf({ CAPACITY: "", INSTANCE: "  ", LOG_LEVEL: " warn " })).to.deep.equal(
      configOf({ LOG_LEVEL: "warn" }),
    );
  });

  it("counts instances from 1, within the links", () => {
    const LINKS = "unix:/a, unix:/b";
    expect(configOf({ LINKS, INSTANCE: "2" })).to.deep.include({
      instance: 1,
      links: [
        { kind: "unix", path: "/a" },
        { kind: "unix", path: "/b" },
      ],
    });
    expect(errorsOf({ LINKS, INSTANCE: "3" })).to.have.length(1);
    expect(errorsOf({ LINKS, INSTANCE: "0" })).to.have.length(1);
    expect(errorsOf({ INSTANCE: "2" })).to.have.length(1);
  });

  it("names each link once", () => {
    expect(errorsOf({ LINKS: "unix:/a,unix:/a" })[0]).to.match(/^LINKS names each address once/);
    expect(errorsOf({ LINKS: "unix:/a, unix:/a" })[0]).to.match(/^LINKS names each address once/);
    expect(errorsOf({ LINKS: "tcp:[::1]:9000,tcp:[0::1]:9000" })[0]).to.match(/^LINKS names each address once/);
  });

  it("keeps the health monitor's addresses free", () => {
    for (const LINKS of [
      "tcp:127.0.0.1:9000,tcp:127.0.0.1:9001",
      "tcp:[::1]:9001,tcp:[::1]:9000",
      "unix:/a,unix:/a.health",
    ])
      expect(errorsOf({ LINKS })[0], LINKS).to.match(/^LINKS leaves room for the health monitor/);
    expect(errorsOf({ LINKS: "tcp:a:9000,tcp:b:9001" })).to.deep.equal([]);
  });

  it("gives no address to two listeners", () => {
    for (const LISTEN of ["unix:/a", "unix:/b.health"])
      expect(errorsOf({ LISTEN, LINKS: "unix:/a,unix:/b" })[0], LISTEN).to.match(/^LISTEN must be an address that/);
    for (const ADMIN_LISTEN of ["tcp:[::1]:80", "unix:/b"])
      expect(errorsOf({ ADMIN_LISTEN, LISTEN: "tcp:[0::1]:80", LINKS: "unix:/a,unix:/b" })).to.have.length(1);
  });

  it("takes IPv6 addresses in brackets wherever it takes addresses", () => {
    const config = configOf({
      LISTEN: "tcp:[::]:8080",
      ADMIN_LISTEN: "tcp:[::1]:9464",
      LINKS: "tcp:[2001:db8::1]:9000, tcp:[2001:db8::2]:9000",
    });
    expect(config.listen).to.deep.equal({ kind: "tcp", host: "::", port: 8080 });
    expect(config.adminListen).to.deep.equal({ kind: "tcp", host: "::1", port: 9464 });
    expect(config.links[1]).to.deep.equal({ kind: "tcp", host: "2001:db8::2", port: 9000 });
  });

  it("takes the URL of a Redis, and does not repeat its password", () => {
    const HEALTH_URL = "rediss://user:p%40ss@[::1]:6380/3";
    expect(configOf({ HEALTH_URL }).healthUrl?.href).to.equal(HEALTH_URL);
    expect(configOf({ HEALTH_URL: "redis://:word@redis.example" }).healthUrl?.password).to.equal("word");
    expect(configOf({}).healthUrl).to.equal(undefined);
    const [error, ...more] = errorsOf({ HEALTH_URL: "redis://user:secret@a/b" });
    expect(error).to.match(/^HEALTH_URL must have no path .*: HEALTH_URL=redis:\/\/\*\*\*@a\/b$/);
    expect(more).to.deep.equal([]);
    expect(errorsOf({ HEALTH_URL: "redis://user@a" })[0]).to.match(/^HEALTH_URL must have a password where/);
    expect(errorsOf({ HEALTH_URL: "redis://:%ff@a" })[0]).to.match(/^HEALTH_URL must have user and password percent/);
  });

  const wrong: Record<string, string[]> = {
    PROFILE: ["Contest", "production"],
    LISTEN: ["8080", "tcp:x:99999", "tcp:::1:8080", "tcp:[fe80::1%eth0]:8080", "unix:"],
    LINKS: ["unix:/a,", "a,b", "tcp:::1:9000", ",unix:/a"],
    DEFAULT_PROCESSOR_URL: ["localhost:8001", "ftp://a", "http://", "http://a/?b", "http://a/#b"],
    FALLBACK_PROCESSOR_URL: ["nowhere", "unix:/x"],
    HEALTH_URL: [
      "localhost:6379",
      "http://a:6379",
      "redis://",
      "redis://a:0",
      "redis://a:65536",
      "redis://a/x",
      "redis://a/65536",
      "redis://a/1/2",
      "redis://a/0?b",
      "redis://a#b",
      "redis://a%20b",
    ],
    DATA_DIR: ["/dev/null", "/dev/null/below"],
    CAPACITY: ["0", "-1", "1.5", "1e3", "67108865", "many", "0x10"],
    MAX_IN_FLIGHT: ["0", "4097"],
    SETTLE_WITHIN_MS: ["-1", "2592000001"],
    ANSWER_WITHIN_MS: ["0", "x"],
    GIVE_UP_AFTER_MS: ["0"],
    REQUEST_TIMEOUT_MS: ["99", "300001"],
    LINK_TIMEOUT_MS: ["9", "30001"],
    MAX_BODY_BYTES: ["127", "1048577"],
    PURGE_ENABLED: ["yes", "1", "TRUE"],
    CORS_ORIGIN: ["example.com", "https://a.example/", "https://a.example/path", "null"],
    LOG_LEVEL: ["verbose", "INFO"],
    SHUTDOWN_GRACE_MS: ["60001"],
    ADMIN_LISTEN: ["tcp:127.0.0.1:8080", "9464"],
    METRICS: ["on"],
    DEFAULT_FEE: ["1.5", "-0.1", "5%", ".5"],
    FALLBACK_FEE: ["1e-2", "0,15"],
    PAGE: ["no"],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      it(`refuses ${name}=${value}, naming setting, rule and value`, () => {
        const errors = errorsOf({ [name]: value });
        expect(errors).to.have.length.at.least(1);
        for (const error of errors) expect(error).to.match(new RegExp(`^${name} .+: ${name}=`));
        expect(errors.join("\n")).to.contain(`${name}=${value}`);
      });
    }
  }

  it("lets no payment wait for a cheaper processor until it is given up", () => {
    expect(configOf({ GIVE_UP_AFTER_MS: "1500" })).to.include({ giveUpAfterMs: 1500, settleWithinMs: 1500 });
  });

  it("refuses settings of earlier versions, and names what is there instead", () => {
    const [first, second, ...more] = errorsOf({ FAILOVER_PATIENCE_MS: "0", SATURATION_PATIENCE_MS: "2000" });
    expect(first).to.match(/^FAILOVER_PATIENCE_MS is no longer a setting: SETTLE_WITHIN_MS /);
    expect(second).to.match(/^SATURATION_PATIENCE_MS is no longer a setting: SETTLE_WITHIN_MS /);
    expect(more).to.deep.equal([]);
  });

  it("takes the ends of every range", () => {
    for (const { name, rule } of SETTINGS) {
      const ends = /^(\d+) to (\d+)$/.exec(rule);
      for (const end of ends?.slice(1) ?? []) expect(errorsOf({ [name]: end }), `${name}=${end}`).to.deep.equal([]);
    }
  });

  it("takes * or an origin for CORS", () => {
    expect(configOf({ CORS_ORIGIN: "*" }).corsOrigin).to.equal("*");
    expect(configOf({ CORS_ORIGIN: "https://shop.example:8443" }).corsOrigin).to.equal("https://shop.example:8443");
  });

  it("has the live page without buttons unless told otherwise", () => {
    expect(configOf({})).to.deep.include({ page: true, processorAdminToken: "" });
    const changed = { PAGE: "false", PROCESSOR_ADMIN_TOKEN: "t0ken" };
    const expected = { page: false, processorAdminToken: "t0ken" };
    expect(configOf(changed)).to.deep.include(expected);
  });

  it("takes data for restored only where there is a journal", () => {
    expect(configOf({ RESTORED: "true" })).to.include({ restored: true, restoredGraceMs: 30_000 });
    expect(errorsOf({ RESTORED: "true", DURABILITY: "none" })).to.deep.equal([
      "RESTORED needs a journal: DURABILITY must not be none: RESTORED=true",
    ]);
  });

  describe("of a store by lease", () => {
    const URL_TEXT = "postgres://rinha:s%3Acret@db-1:5432,db-2/rinha?sslmode=require";
    const STORE = { STORE_URL: URL_TEXT, LINK: "tcp:host-7:9000", INSTANCE: "200" };

    it("has the instance's number, its own link and the URL, and nothing of a disk", () => {
      expect(configOf(STORE)).to.deep.include({
        instance: 199,
        links: [],
        store: { url: URL_TEXT, link: { kind: "tcp", host: "host-7", port: 9000 }, hasPaymentTable: true },
        durability: "store",
        partitions: undefined,
        restored: false,
      });
      for (const STORE_URL of ["postgresql:///rinha?host=/run/pg", "postgres://%2Frun%2Fpg/x", "postgres://u@h"])
        expect(errorsOf({ ...STORE, STORE_URL, LINK: "unix:/run/link-7.sock" }), STORE_URL).to.deep.equal([]);
      expect(configOf({}).store).to.equal(undefined);
    });

    it("refuses a URL of another form without showing it", () => {
      for (const STORE_URL of [
        "mysql://u:hunter2@h/d",
        "hunter2",
        "postgres:hunter2",
        "postgres://u:hunter2@x@h/d",
        "postgres://u:hunter2:more@h/d",
        "postgres://u:hunter2%zz@h/d",
        "postgres://u:hunter2 x@h/d",
        "postgres://u:hunter2#x@h/d",
      ]) {
        const errors = errorsOf({ ...STORE, STORE_URL });
        expect(errors, STORE_URL).to.have.length(1);
        expect(errors[0]).to.match(/^STORE_URL must .+: STORE_URL=\(not shown\)$/);
      }
    });

    it("needs a link that others reach", () => {
      for (const LINK of ["", "9000", "tcp:0.0.0.0:9000", "tcp:[::]:9000", "tcp:host:0", "tcp:host:65535"])
        expect(errorsOf({ ...STORE, LINK }), LINK).to.have.length(1);
      expect(errorsOf({ ...STORE, LINK: `unix:/${"x".repeat(104)}` })[0]).to.match(/^LINK leaves room for the health/);
      expect(errorsOf({ LINK: "tcp:host:9000" })[0]).to.match(/^LINK needs STORE_URL/);
      expect(errorsOf({ ...STORE, LISTEN: "tcp:host-7:9001" })[0]).to.match(/^LISTEN must be an address that nothing/);
      expect(errorsOf({ ...STORE, INSTANCE: "257" })).to.have.length(1);
    });

    it("refuses what belongs to journals, with the reason", () => {
      const JOURNALS = {
        LINKS: "unix:/a,unix:/b",
        DATA_DIR: "data",
        DURABILITY: "fsync",
        PARTITIONS: "12",
        SEGMENT_BYTES: "65536",
      };
      for (const [name, value] of Object.entries(JOURNALS)) {
        const [error, ...more] = errorsOf({ ...STORE, [name]: value });
        expect(error).to.match(new RegExp(`^${name} must not be set with STORE_URL: .+: ${name}=${value}$`));
        expect(more).to.deep.equal([]);
      }
      expect(errorsOf({ ...STORE, ...JOURNALS })).to.have.length(5);
      expect(errorsOf({ ...STORE, RESTORED: "true" })[0]).to.contain("npm run store -- restore");
      expect(errorsOf({ ...STORE, RESTORED: "false" })).to.deep.equal([]);
    });
  });

  it("refuses an admin token that no header can carry, without showing it", () => {
    for (const token of ["hunter2\nx: y", "hunter2 é", "h".repeat(257)]) {
      const errors = errorsOf({ PROCESSOR_ADMIN_TOKEN: token });
      expect(errors).to.deep.equal(["PROCESSOR_ADMIN_TOKEN must be up to 256 visible ASCII characters"]);
    }
  });

  it("reports all that is wrong at once", () => {
    const environment = Object.fromEntries(Object.entries(wrong).map(([name, values]) => [name, values.at(-1)!]));
    const named = new Set(errorsOf({ ...environment, INSTANCE: "300" }).map((error) => error.split(" ")[0]));
    expect(named).to.deep.equal(new Set([...Object.keys(wrong), "INSTANCE"]));
  });

  it("never echoes a password", () => {
    const secret = "hunter2";
    for (const name of ["DEFAULT_PROCESSOR_URL", "FALLBACK_PROCESSOR_URL", "CORS_ORIGIN", "LISTEN"]) {
      const urls = [`wss://admin:${secret}@a.example`, `ftp://${secret}@b`, `wss://a:${secret}@x@b`];
      for (const url of [...urls, `http://a:b/${secret}@c`, `a:${secret}@b`]) {
        const errors = errorsOf({ [name]: url });
        expect(errors, `${name}=${url}`).to.have.length(1);
        expect(errors.join(), `${name}=${url}`).to.not.contain(secret);
      }
    }
  });

  it("has every setting in the help and in the table of docs/settings.md, with its defaults", () => {
    const rows = settingsMarkdown().split("\n");
    expect(rows).to.have.length(SETTINGS.length + 2);
    const columns = rows.map((row) => row.split("|").length);
    expect(new Set(columns).size).to.equal(1);
    for (const { name, fallback, contest, meaning } of SETTINGS) {
      expect(settingsHelp())
        .to.match(new RegExp(`^  ${name}$`, "m"))
        .and.contain(meaning);
      const row = rows.find((candidate) => candidate.startsWith(`| \`${name}\` |`));
      expect(row)
        .to.contain(meaning)
        .and.contain(fallback === "" ? "empty" : `\`${fallback}\``);
      if (contest !== undefined) expect(row).to.contain(`\`${contest}\``);
    }
  });

  it("has a default for every setting that is itself valid, in either profile", () => {
    for (const profile of ["default", "contest"] as const) {
      const written = Object.fromEntries(
        SETTINGS.map(({ name, fallback, contest }) => [name, (profile === "contest" && contest) || fallback]),
      );
      expect(readConfig({ ...written, PROFILE: profile })).to.deep.equal(readConfig({ PROFILE: profile }));
    }
  });

  describe("of the program", () => {
    it("is told by --help and --help-markdown", async () => {
      const help = await runMain(["--help"]);
      expect(help.code).to.equal(0);
      expect(help.stdout).to.contain(settingsHelp());
      const markdown = await runMain(["--help-markdown"]);
      expect(markdown.stdout).to.equal(`${settingsMarkdown()}\n`);
    });

    it("ends the program with code 2 and a line per error when it cannot be used", async () => {
      const environment = { CAPACITY: "0", LOG_LEVEL: "loud", DEFAULT_PROCESSOR_URL: "ftp://u:hunter2@a.example" };
      const { code, stdout, stderr } = await runMain([], environment);
      expect(code).to.equal(2);
      expect(stdout).to.equal("");
      expect(stderr.trim().split("\n").sort()).to.deep.equal(errorsOf(environment).sort());
      expect(stderr).to.not.contain("hunter2");
    });

    it("refuses arguments it does not know", async () => {
      const { code, stderr } = await runMain(["--port=80"]);
      expect(code).to.not.equal(0);
      expect(stderr).to.contain("--port");
    });
  });
});
