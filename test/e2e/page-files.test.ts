import { expect } from "chai";
import { Service } from "./service.ts";

const FILES: readonly [path: string, type: string][] = [
  ["/", "text/html; charset=utf-8"],
  ["/assets/page.css", "text/css; charset=utf-8"],
  ["/assets/icon.svg", "image/svg+xml"],
  ["/assets/uPlot.js", "text/javascript; charset=utf-8"],
  ["/assets/uPlot.css", "text/css; charset=utf-8"],
  ["/assets/page/main.js", "text/javascript; charset=utf-8"],
  ["/assets/meters/duration-histogram.js", "text/javascript; charset=utf-8"],
];

describe("files of the live page", () => {
  let service: Service;

  before(async () => {
    service = await Service.start();
  });

  after(() => service?.stop());

  for (const [path, type] of FILES) {
    it(`are served, and not again while they are the same: ${path}`, async () => {
      const first = await service.front.get(path);
      expect(first.status).to.equal(200);
      expect(first.headers).to.include({
        "content-type": type,
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      });
      expect(first.headers["content-security-policy"])
        .to.match(/^default-src 'self';/)
        .and.not.include("unsafe");
      const head = await service.front.ask("HEAD", path);
      expect([head.status, head.body]).to.deep.equal([200, ""]);
      expect(Number(head.headers["content-length"])).to.equal(Buffer.byteLength(first.body));
      const etag = first.headers["etag"]!;
      const again = await service.front.ask("GET", path, { headers: { "if-none-match": etag } });
      expect([again.status, again.body, again.headers["etag"]]).to.deep.equal([304, "", etag]);
      const other = await service.front.ask("GET", path, { headers: { "if-none-match": '"other"' } });
      expect([other.status, other.body]).to.deep.equal([200, first.body]);
    });
  }

  it("are the same from every instance", async () => {
    for (const [path] of FILES) {
      const [first, second] = await Promise.all(service.instances.map((caller) => caller.get(path)));
      expect(first!.headers["etag"], path).to.equal(second!.headers["etag"]);
    }
  });

  it("are no others, whatever the path", async () => {
    for (const path of [
      "/assets/",
      "/assets/page/",
      "/assets/page/main.ts",
      "/assets/../server/main.js",
      "/assets/%2e%2e/x",
    ]) {
      expect((await service.front.get(path)).status, path).to.equal(404);
      expect((await service.instances[0]!.get(path)).status, path).to.equal(404);
    }
  });

  it("can only be read", async () => {
    for (const path of ["/", "/assets/page.css"]) {
      for (const method of ["POST", "PUT", "DELETE"]) {
        const { status, headers } = await service.front.ask(method, path);
        expect(status, `${method} ${path}`).to.equal(405);
        expect(headers["allow"]).to.equal("GET, HEAD");
      }
    }
  });

  it("load nothing inline and nothing from elsewhere", async () => {
    const { body } = await service.front.get("/");
    expect(body)
      .to.not.match(/<script(?![^>]* src=)/)
      .and.not.match(/ style=| on[a-z]+=|https?:/);
  });
});

describe("a service without the live page", () => {
  let service: Service;

  before(async () => {
    service = await Service.start({ env: { PAGE: "false", PROCESSOR_ADMIN_TOKEN: "123" } });
  });

  after(() => service?.stop());

  it("has none of it, and all the rest", async () => {
    for (const path of ["/", "/assets/page.css", "/live"])
      expect((await service.front.get(path)).status, path).to.equal(404);
    const headers = { "content-type": "application/json" };
    const put = await service.front.ask("PUT", "/simulation/processors/default", { headers, body: '{"failing":true}' });
    expect(put.status).to.equal(404);
    expect(service.processors.default.settings.failing).to.equal(false);
    expect((await service.front.get("/payments-summary")).status).to.equal(200);
  });
});
