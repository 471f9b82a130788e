import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { CONTEST, outcomeOfPost } from "../../../core/answers/dialect.ts";
import * as Outcome from "../../../core/values/outcome.ts";
import { type Config, readConfig } from "../../../server/settings/config.ts";
import type { ProcessorConfig } from "../../../server/settings/processors.ts";
import { Authority } from "../../support/certificates.ts";

const SECRET = "hunter2";

/** One that is well; `more` changes it. */
function wished(number: number, more: object = {}): object {
  return { name: `p${number}`, url: `http://localhost:${9000 + number}`, fee: "0.01", ...more };
}

function readAll(processors: unknown, environment: Record<string, string> = {}): Config | string[] {
  return readConfig({ PROCESSORS: typeof processors === "string" ? processors : toJson(processors), ...environment });
}

function toJson(value: unknown): string {
  return JSON.stringify(value);
}

function processorsOf(processors: unknown, environment?: Record<string, string>): readonly ProcessorConfig[] {
  const config = readAll(processors, environment);
  if (Array.isArray(config)) throw new Error(`must be usable: ${config.join("; ")}`);
  return config.processors;
}

function errorsOf(processors: unknown, environment?: Record<string, string>): string[] {
  const errors = readAll(processors, environment);
  if (!Array.isArray(errors)) throw new Error("must be refused");
  for (const error of errors)
    expect(error)
      .to.match(/^PROCESSORS/)
      .and.not.contain(SECRET);
  return errors;
}

/** What is wrong with a single processor. */
function errorsOfOne(more: object, environment?: Record<string, string>): string[] {
  return errorsOf([wished(0, more)], environment);
}

function outcomeBy(answers: unknown, status: number, isProvenEmpty = false): number {
  const [{ dialect }] = processorsOf([wished(0, { answers })]) as [ProcessorConfig];
  return outcomeOfPost(dialect, status, isProvenEmpty, true);
}

describe("configured processors", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "rinha-processors-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function file(name: string, text: string): string {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  }

  for (const count of [1, 2, 3, 16]) {
    it(`can be ${count}, in the order in which they are given`, () => {
      const processors = processorsOf(Array.from({ length: count }, (_, i) => wished(count - i)));
      expect(processors.map(({ name }) => name)).to.deep.equal(
        Array.from({ length: count }, (_, i) => `p${count - i}`),
      );
    });
  }

  it("are neither none nor more than sixteen", () => {
    expect(errorsOf([])).to.deep.equal(["PROCESSORS must be 1 to 16 processors: count=0"]);
    const many = Array.from({ length: 17 }, (_, i) => wished(i));
    expect(errorsOf(many)).to.deep.equal(["PROCESSORS must be 1 to 16 processors: count=17"]);
  });

  it("need a name, a URL and a fee; the rest is the contest's", () => {
    const [processor] = processorsOf([wished(0)], { MAX_IN_FLIGHT: "77" });
    expect({ ...processor, url: processor!.url.href }).to.deep.equal({
      name: "p0",
      url: "http://localhost:9000/",
      fee: { text: "0.01", units: 1n, scale: 2 },
      maxInFlight: 77,
      headers: [],
      dialect: CONTEST,
      tls: undefined,
    });
    expect(errorsOf([{}])).to.have.length(3);
  });

  it("stand in a file as well", () => {
    const path = file("processors.json", toJson([wished(3)]));
    expect(processorsOf(path).map(({ name }) => name)).to.deep.equal(["p3"]);
    expect(errorsOf(join(folder, "missing.json"))[0]).to.match(/missing\.json ENOENT$/);
    expect(errorsOf(folder)[0]).to.match(/EISDIR$/);
    expect(errorsOf(file("broken.json", `[{"x": "${SECRET}`))[0]).to.match(/broken\.json no JSON/);
  });

  it("are refused without being shown where they are neither an array nor a path", () => {
    const entry = `{"name":"a","headers":{"x-key":"${SECRET}"}}`;
    const texts = [entry, `"${entry.replaceAll('"', "'")}"`, `[${entry}`, `x ${SECRET}`, "7", `./${entry}.json`];
    for (const text of texts) {
      const errors = errorsOf(text);
      expect(errors, text).to.have.length(1);
      expect(errors[0]).to.match(/^PROCESSORS must be a JSON array, or the path of a file with one/);
    }
  });

  it("are given in one form only", () => {
    const both = errorsOf([wished(0)], { DEFAULT_FEE: "0.1", FALLBACK_PROCESSOR_URL: "http://localhost:1" });
    expect(both).to.deep.equal(["PROCESSORS says it all: FALLBACK_PROCESSOR_URL, DEFAULT_FEE must not be set as well"]);
  });

  it("have different names and URLs", () => {
    expect(errorsOf([wished(0), wished(1, { name: "p0" }), wished(2), wished(3, { name: "p2" })])).to.deep.equal([
      "PROCESSORS must have different names: name=p0",
      "PROCESSORS must have different names: name=p2",
    ]);
    const url = `http://user:${SECRET}@LOCALHOST:9000/`;
    expect(errorsOf([wished(0), wished(1, { url })])).to.deep.equal([
      "PROCESSORS must have different urls: url=http://localhost:9000",
    ]);
    expect(errorsOf([wished(0, { url: "http://a/v1" }), wished(1, { url: "http://a/v1/" })])).to.have.length(1);
    expect(processorsOf([wished(0, { url: "http://a/v1" }), wished(1, { url: "http://a/v2" })])).to.have.length(2);
  });

  const wrong: [member: string, values: unknown[], rule: RegExp][] = [
    ["name", ["", "a b", "ä", "x".repeat(25), "none", 7, null, 'a"b', "a/b"], /must be 1 to 24 letters/],
    ["url", [undefined, 7, "", "localhost:1", "ftp://a", "unix:/a"], /must be an http or https URL/],
    ["url", [`http://a/?key=${SECRET}`, "http://a/#b"], /must be a URL without query and fragment/],
    ["url", [`http://a:${SECRET}%zz@b`, `http://a%3A${SECRET}@b`], /must have a user without a colon/],
    ["fee", [undefined, "5%", 1.5, "-0.1", -0.1, null, {}, "1e-2", ""], /must be a decimal from 0 to 1: fee=/],
    ["maxInFlight", [0, 4097, 1.5, "8", null, true], /must be a whole number from 1 to 4096: maxInFlight=/],
    ["headers", [[SECRET], SECRET, null], /must be an object/],
    ["headers", [{ "x y": SECRET }, { "": SECRET }], /must have names of header fields/],
    [
      "headers",
      [{ Host: "a" }, { "content-length": "1" }, { Connection: "close" }, { "Keep-Alive": "1" }, { upgrade: "a" }],
      /is set by the service/,
    ],
    ["headers", [{ a: `${SECRET}\r\nx: y` }, { a: "ж" }], /headers\.a must be one line of Latin-1 text/],
    ["headers", [{ a: 7 }, { a: null }, { a: [SECRET] }, { a: {} }], /headers\.a must be a text, /],
    [
      "headers",
      [{ a: { env: "A", file: "/a" } }, { a: { env: 1 } }, { a: { of: SECRET } }],
      /headers\.a must be a text, /,
    ],
    ["headers", [{ "X-Key": SECRET, "x-key": SECRET }], /headers\.x-key must be said once/],
    ["answers", [[], 7, "200", null], /must be an object/],
    ["answers", [{ sucess: [200] }], /has only the members success, failing, charged, .*: sucess$/],
    ["answers", [{ refused: 422 }, { refused: ["422"] }, { refused: [99] }], /answers\.refused must be a list of/],
    [
      "answers",
      [{ success: [200, 409], charged: [409] }],
      /must list a status once: status=409 in success and charged$/,
    ],
    ["answers", [{ success: [] }, { refused: [200] }], /answers\.success must have a status$/],
    ["answers", [{ needsMessage: 1 }], /answers\.needsMessage must be true or false: /],
    ["believesNotFound", ["yes", 0, null], /must be true or false: believesNotFound=/],
    ["tls", [{}], /tls is for https URLs$/],
  ];
  for (const [member, values, rule] of wrong) {
    it(`with a wrong ${member} are refused by place: ${rule.source}`, () => {
      for (const value of values) {
        const errors = errorsOfOne({ [member]: value });
        expect(errors, toJson(value)).to.have.length(1);
        expect(errors[0])
          .to.match(/^PROCESSORS\[0\]\./)
          .and.match(rule);
      }
    });
  }

  it("with members that nobody knows are refused", () => {
    expect(errorsOfOne({ weight: 3, Fee: "0.1" })).to.deep.equal([
      "PROCESSORS[0] has only the members " +
        "name, url, fee, maxInFlight, headers, answers, believesNotFound, tls: weight, Fee",
    ]);
    for (const entry of [null, 7, "x", []]) expect(errorsOf([entry])[0]).to.equal("PROCESSORS[0] must be an object");
  });

  it("are checked to the end: all that is wrong is told at once, with everything else", () => {
    const list = [wished(0, { fee: "2", maxInFlight: 0 }), wished(1), wished(2, { name: "", url: "x" })];
    const errors = readAll(list, { CAPACITY: "0" });
    expect((errors as string[]).map((error) => error.split(" ")[0])).to.have.members([
      "PROCESSORS[0].fee",
      "PROCESSORS[0].maxInFlight",
      "PROCESSORS[2].url",
      "PROCESSORS[2].name",
      "CAPACITY",
    ]);
  });

  it("have fees as decimal text or as a number", () => {
    const fees = ["0", 0, 1, "1", 0.05, "0.1234567"];
    const processors = processorsOf(fees.map((fee, i) => wished(i, { fee })));
    expect(processors.map(({ fee }) => fee.text)).to.deep.equal(["0", "0", "1", "1", "0.05", "0.1234567"]);
  });

  describe("have headers", () => {
    it("whose values stand in the text, in the environment or in a file", () => {
      const path = file("key", `Bearer ${SECRET}\n`);
      const headers = { A: "plain", B: { env: "KEY_B" }, C: { file: path } };
      const [processor] = processorsOf([wished(0, { headers })], { KEY_B: "from the environment\r\n" });
      expect(processor!.headers).to.deep.equal([
        ["A", "plain"],
        ["B", "from the environment"],
        ["C", `Bearer ${SECRET}`],
      ]);
    });

    it("that are refused where there is no value to be found", () => {
      const rule = "must have a value: the variable or file is missing or empty";
      expect(errorsOfOne({ headers: { A: { env: "KEY_A" }, B: { env: "KEY_B" } } }, { KEY_B: "" })).to.deep.equal([
        `PROCESSORS[0].headers.A ${rule}`,
        `PROCESSORS[0].headers.B ${rule}`,
      ]);
      expect(errorsOfOne({ headers: { A: { file: file("empty", "\n") } } })).to.deep.equal([
        `PROCESSORS[0].headers.A ${rule}`,
      ]);
      expect(errorsOfOne({ headers: { A: { file: join(folder, "nowhere") } } })).to.deep.equal([
        `PROCESSORS[0].headers.A must be a file that can be read: ${join(folder, "nowhere")} ENOENT`,
      ]);
    });

    it("and say who we are in one way", () => {
      const url = `http://user:${SECRET}@localhost`;
      expect(errorsOfOne({ url, headers: { authorization: SECRET } })[0]).to.match(
        /^PROCESSORS\[0\]\.headers\.authorization must be said once, in the URL or here/,
      );
      expect(processorsOf([wished(0, { headers: { Authorization: SECRET } })])).to.have.length(1);
    });
  });

  describe("have answers", () => {
    it("that mean what a list says, and nothing else", () => {
      const lists: Record<string, number> = {
        charged: Outcome.ALREADY_CHARGED,
        refused: Outcome.REJECTED,
        misconfigured: Outcome.MISCONFIGURED,
        overloaded: Outcome.OVERLOADED,
        unclear: Outcome.UNCLEAR,
      };
      for (const [list, outcome] of Object.entries(lists))
        for (const status of [201, 299, 302, 404, 409, 418, 422, 429, 500, 503])
          expect(outcomeBy({ [list]: [status] }, status, true), `${list} ${status}`).to.equal(outcome);
      // Also where the contest's processors mean success by it.
      expect(outcomeBy({ success: [201], charged: [200] }, 200)).to.equal(Outcome.ALREADY_CHARGED);
      expect(outcomeBy({ success: [201] }, 200)).to.not.equal(Outcome.CHARGED);
      expect(outcomeBy({ success: [200, 201] }, 201)).to.equal(Outcome.CHARGED);
      expect(outcomeBy({ success: [500] }, 500)).to.equal(Outcome.CHARGED);
    });

    it("that prove a failure only while the body is empty", () => {
      expect(outcomeBy({ failing: [503] }, 503, true)).to.equal(Outcome.FAILING);
      expect(outcomeBy({ failing: [503] }, 503, false)).to.equal(Outcome.ERRED);
      expect(outcomeBy({ failing: [503] }, 500, true)).to.not.equal(Outcome.FAILING);
      expect(outcomeBy({ failing: [422] }, 422, true)).to.equal(Outcome.FAILING);
    });

    it("that need no message where none is to be expected", () => {
      const [processor] = processorsOf([wished(0, { answers: { needsMessage: false } })]);
      expect(processor!.dialect).to.deep.equal({ ...CONTEST, needsMessage: false });
    });

    it("and lookups whose 404 proves nothing", () => {
      const [processor] = processorsOf([wished(0, { believesNotFound: false })]);
      expect(processor!.dialect).to.deep.equal({ ...CONTEST, believesNotFound: false });
    });
  });

  describe("behind TLS", () => {
    const url = "https://localhost:9443";
    let authority: Authority;

    before(() => {
      authority = new Authority();
    });
    after(() => authority.remove());

    it("have the texts of their PEM files", () => {
      const { cert, key } = authority.issue("localhost");
      const tls = { ca: file("ca.pem", authority.cert), cert: file("c.pem", cert), key: file("k.pem", key) };
      const [processor] = processorsOf([wished(0, { url, tls })]);
      expect(processor!.tls).to.deep.equal({ ca: authority.cert, cert, key });
      expect(processorsOf([wished(0, { url })])[0]!.tls).to.equal(undefined);
    });

    it("are refused where the files cannot be read or used, by names and never by what stands in them", () => {
      const [first, second] = [authority.issue("a"), authority.issue("b")];
      const cert = file("first.pem", first.cert);
      const other = file("other-key.pem", second.key);
      const noPem = file("no.pem", SECRET);
      const cases: [tls: object, rule: RegExp][] = [
        [{ ca: join(folder, "nowhere.pem") }, /tls\.ca must be a file that can be read: .*nowhere\.pem ENOENT$/],
        [{ ca: noPem }, /tls\.ca must be usable PEM: .*no\.pem ERR_\w+$/],
        [{ ca: 7 }, /tls\.ca must be the path of a PEM file$/],
        [{ cert }, /tls must have cert and key, or none of them$/],
        [{ key: other }, /tls must have cert and key, or none of them$/],
        [{ cert, key: noPem }, /tls must be usable PEM: .*first\.pem with .*no\.pem ERR_\w+$/],
        [{ cert, key: other }, /tls must be usable PEM: .*first\.pem with .*other-key\.pem ERR_\w+$/],
        [{ certificate: cert }, /tls has only the members ca, cert, key: certificate$/],
      ];
      for (const [tls, rule] of cases) {
        const errors = errorsOfOne({ url, tls });
        expect(errors, toJson(tls)).to.have.length(1);
        expect(errors[0]).to.match(rule).and.not.contain("BEGIN");
      }
    });
  });
});
