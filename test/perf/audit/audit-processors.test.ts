import { expect } from "chai";
import type { Ask, HttpAnswer } from "../../../perf/audit/ask.ts";
import { type AuditResult, audit } from "../../../perf/audit/audit.ts";
import { AUDIT_COMMAND } from "../../../perf/audit/command-line.ts";
import { partiesOf } from "../../../perf/audit/parties.ts";
import { auditReport } from "../../../perf/audit/report.ts";
import { readArguments } from "../../../perf/command/command-line.ts";

const AT_MS = Date.UTC(2025, 6, 15, 12);

/** Payments of one cent each, all at one moment: what somebody has, by correlationId. */
type Book = Map<string, string>;

const answer = (body: unknown, headers: Record<string, string> = {}): HttpAnswer => ({
  status: body === undefined ? 404 : 200,
  headers: new Map(Object.entries(headers)),
  body: JSON.stringify(body) ?? "",
});

const totalsOf = (count: number): object => ({
  totalRequests: count,
  totalAmount: count / 100,
  totalFee: 0,
  feePerTransaction: 0.05,
});

function holdsMoment(path: string): boolean {
  const query = new URL(path, "http://any").searchParams;
  return Date.parse(query.get("from")!) <= AT_MS && Date.parse(query.get("to")!) >= AT_MS;
}

/** What the service counts: the processor of each payment. */
function serviceAsk(names: readonly string[], counted: Book): Ask {
  return async ({ path }) => {
    if (path.startsWith("/payments-summary")) {
      const count = (name: string): number =>
        holdsMoment(path) ? [...counted.values()].filter((processor) => processor === name).length : 0;
      const summary = Object.fromEntries(names.map((name) => [name, totalsOf(count(name))]));
      return answer(summary, { "settled-until": new Date(AT_MS + 1000).toISOString() });
    }
    const processor = counted.get(path.split("/")[2]!);
    if (processor === undefined) return answer(undefined);
    return answer({ amount: 0.01, state: "processed", processor, requestedAt: new Date(AT_MS).toISOString() });
  };
}

function processorAsk(charged: ReadonlySet<string>): Ask {
  const view = (correlationId: string): object => ({
    correlationId,
    amount: 0.01,
    requestedAt: new Date(AT_MS).toISOString(),
  });
  return async ({ path }) => {
    if (path.startsWith("/admin/payments-summary")) return answer(totalsOf(holdsMoment(path) ? charged.size : 0));
    if (path.startsWith("/admin/payments")) return answer(holdsMoment(path) ? [...charged].map(view) : []);
    const id = path.split("/")[2]!;
    return answer(charged.has(id) ? view(id) : undefined);
  };
}

function auditOf(names: readonly string[], counted: Book, charged: ReadonlyMap<string, Set<string>>, isFull = false) {
  const processors = Object.fromEntries(names.map((name) => [name, new URL(`http://${name}`)]));
  const asks = new Map(names.map((name) => [processors[name]!.href, processorAsk(charged.get(name)!)]));
  const service = new URL("http://service.example");
  const parties = partiesOf(
    { service, processors, token: "123" },
    (url) => asks.get(url.href) ?? serviceAsk(names, counted),
  );
  return audit(parties, { isFull });
}

function kindsOf({ findings }: AuditResult): string[] {
  return findings.map(({ kind, processor, correlationId }) => `${kind} ${processor} ${correlationId}`).sort();
}

for (const count of [1, 2, 3, 16]) {
  describe(`audit of ${count} processors`, () => {
    /** The last one first, as no order of the alphabet has it. */
    const names = Array.from({ length: count }, (_, i) => `p${count - 1 - i}`);
    const [first, last] = [names[0]!, names.at(-1)!];
    let counted: Book;
    let charged: Map<string, Set<string>>;

    /** Two payments at each. */
    beforeEach(() => {
      counted = new Map(names.flatMap((name) => [1, 2].map((i) => [`${name}-${i}`, name] as const)));
      charged = new Map(names.map((name) => [name, new Set([`${name}-1`, `${name}-2`])]));
    });

    it("agrees, in the order in which they are given", async () => {
      const result = await auditOf(names, counted, charged, true);
      expect(result).to.include({ agrees: true, isComplete: true });
      const lines = auditReport(result).match(/^p\d+ .*$/gm);
      expect(lines).to.have.length(count);
      for (const [i, line] of lines!.entries()) {
        expect(line).to.match(new RegExp(`^${names[i]} +2 +2 +0 +0\\.02 +0\\.02 +0\\.00$`));
      }
    });

    it("names the processor that differs", async () => {
      charged.get(last)!.add("stranger");
      charged.get(first)!.delete(`${first}-1`);
      const result = await auditOf(names, counted, charged, true);
      expect(result.agrees).to.equal(false);
      expect(kindsOf(result)).to.deep.equal([`extra ${last} stranger`, `missing ${first} null`]);
    });

    if (count === 1) return;

    it("tells a payment at another processor from one that two have", async () => {
      charged.get(first)!.delete(`${first}-1`);
      charged.get(last)!.add(`${first}-1`).add(`${first}-2`);
      const result = await auditOf(names, counted, charged);
      expect(kindsOf(result)).to.deep.equal([`double charge ${last} ${first}-2`, `wrong processor ${last} ${first}-1`]);
    });

    it("names all processors that have a payment, once", async () => {
      for (const name of names) charged.get(name)!.add(`${last}-1`).add("stranger");
      const result = await auditOf(names, counted, charged);
      expect(kindsOf(result)).to.deep.equal([`double charge ${first} ${last}-1`, `double charge ${first} stranger`]);
      const at = new Date(AT_MS).toISOString();
      const others = names.slice(1).map((name) => `${name} at ${at}`);
      const details = result.findings.map(({ detail }) => detail);
      expect(details).to.have.members([
        `also at ${others.join(", ")}; the service counts ${last}`,
        `also at ${others.join(", ")}; the service counts none of them`,
      ]);
    });
  });
}

describe("audit of other processors than the service has", () => {
  const messageOf = async (counting: readonly string[], audited: readonly string[]): Promise<string> => {
    const processors = Object.fromEntries(audited.map((name) => [name, new URL(`http://${name}.example`)]));
    const target = { service: new URL("http://service.example"), processors, token: "123" };
    const parties = partiesOf(target, (url) =>
      url.hostname.startsWith("service") ? serviceAsk(counting, new Map()) : processorAsk(new Set()),
    );
    return await audit(parties).then(
      () => "agrees",
      (error: Error) => error.message,
    );
  };

  it("is refused, and says which there are", async () => {
    const rule = "the service must count the processors that are audited";
    expect(await messageOf(["a", "b"], ["a"])).to.equal(`${rule}: counted=a,b audited=a`);
    expect(await messageOf(["a"], ["a", "b"])).to.equal(`${rule}: counted=a audited=a,b`);
    expect(await messageOf(["a"], ["constructor"])).to.equal(`${rule}: counted=a audited=constructor`);
    expect(await messageOf(["b", "a"], ["a", "b"])).to.equal("agrees");
  });
});

describe("audit's processors", () => {
  function read(...args: string[]): [string, string][] {
    const wish = readArguments(AUDIT_COMMAND, args);
    if (wish === "help") throw new Error("no help was asked for");
    return Object.entries(wish.target.processors).map(([name, url]) => [name, url.href]);
  }

  it("are the two of the short form, unless they are named", () => {
    expect(read("--fallback", "http://there:1")).to.deep.equal([
      ["default", "http://localhost:8001/"],
      ["fallback", "http://there:1/"],
    ]);
    expect(read("--processor", "b=http://there:1/x=y", "--processor", "a=http://here:2")).to.deep.equal([
      ["b", "http://there:1/x=y"],
      ["a", "http://here:2/"],
    ]);
  });

  it("are named once each, with a URL, and not in the short form as well", () => {
    const named = ["--processor", "a=http://here:2"];
    expect(() => read(...named, "--default", "http://x")).to.throw("default must come without --processor");
    expect(() => read(...named, ...named)).to.throw("processor must be named once: processor=a=http://here:2");
    expect(() => read("--processor", "http://here:2")).to.throw("processor must be NAME=URL: processor=http://here:2");
    expect(() => read("--processor", "a=ftp://here")).to.throw("processor must be an http URL: processor=ftp://here");
  });
});
