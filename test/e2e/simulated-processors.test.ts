import { expect } from "chai";
import type { Answer } from "./caller.ts";
import { Service } from "./service.ts";

const PATH = "/simulation/processors/";
const JSON_TYPE = { "content-type": "application/json" };

describe("simulated processors, configured through the service", () => {
  let service: Service;

  before(async () => {
    service = await Service.start({ env: { PROCESSOR_ADMIN_TOKEN: "123" } });
  });

  beforeEach(() => service.heal());
  after(() => service?.stop());

  function put(name: string, body: string, headers: Record<string, string> = JSON_TYPE): Promise<Answer> {
    return service.front.ask("PUT", `${PATH}${name}`, { headers, body });
  }

  it("become slow, failing and well again", async () => {
    const { default: cheap, fallback: dear } = service.processors;
    const answer = await put("default", '{"delayMs":120,"failing":true}');
    expect([answer.status, JSON.parse(answer.body)]).to.deep.equal([
      200,
      { name: "default", delayMs: 120, failing: true },
    ]);
    expect(cheap.settings).to.include({ delayMs: 120, failing: true });
    expect(dear.settings).to.include({ delayMs: 0, failing: false });
    await put("default", '{"delayMs":0}');
    expect(cheap.settings).to.include({ delayMs: 0, failing: true });
    await put("default", '{"failing":false}');
    await put("fallback", '{"failing":true}');
    expect(cheap.settings).to.include({ failing: false });
    expect(dear.settings).to.include({ failing: true });
  });

  const host = (): string => `${service.frontTarget.host}:${service.frontTarget.port}`;

  it("listen to this site's pages and to none else", async () => {
    const from = (origin: string) => put("default", '{"failing":true}', { ...JSON_TYPE, origin });
    for (const origin of ["http://evil.example", "null"]) expect((await from(origin)).status, origin).to.equal(403);
    expect(service.processors.default.settings.failing).to.equal(false);
    expect((await from(`http://${host()}`)).status).to.equal(200);
    expect(service.processors.default.settings.failing).to.equal(true);
  });

  const sites: [status: number, origin: string, host: string][] = [
    [200, "http://pay.example", "pay.example"],
    [200, "http://pay.example", "Pay.Example:80"],
    [200, "https://pay.example", "pay.example:443"],
    [200, "http://[::1]:9999", "[0:0:0:0:0:0:0:1]:9999"],
    [403, "http://pay.example:9999", "pay.example"],
    [403, "https://pay.example", "pay.example:80"],
  ];
  for (const [status, origin, named] of sites) {
    it(`answer ${status} to a page of ${origin} where the host is ${named}, through nginx and around it`, async () => {
      const headers = { ...JSON_TYPE, origin, host: named };
      for (const caller of [service.front, ...service.instances]) {
        const answer = await caller.ask("PUT", `${PATH}default`, { headers, body: '{"failing":true}' });
        expect(answer.status).to.equal(status);
      }
    });
  }

  it("do not change for what is not understood", async () => {
    const refused: [status: number, answer: Answer][] = [
      [400, await put("default", '{"failing":"yes"}')],
      [400, await put("default", "")],
      [413, await put("default", `{"failing":true${" ".repeat(300)}}`)],
      [404, await put("other", '{"failing":true}')],
      [415, await put("default", '{"failing":true}', { "content-type": "text/plain" })],
      [415, await put("default", '{"failing":true}', {})],
      [405, await service.front.ask("POST", `${PATH}default`, { headers: JSON_TYPE, body: '{"failing":true}' })],
      [405, await service.front.get(`${PATH}default`)],
    ];
    for (const [status, answer] of refused) {
      expect(answer.status, answer.body).to.equal(status);
      expect(answer.headers["content-type"]).to.equal("application/problem+json");
    }
    expect(service.processors.default.settings).to.include({ delayMs: 0, failing: false });
  });

  it("that do not take it are told of", async () => {
    service.processors.default.settings.token = "other";
    const answer = await put("default", '{"failing":true}');
    service.processors.default.settings.token = "123";
    expect(answer.status).to.equal(502);
    expect(JSON.parse(answer.body).detail).to.include("status=401");
    await service.wires.default.set("refusing");
    expect((await put("default", '{"failing":true}')).status).to.equal(502);
  });
});

describe("processors of which the service has no admin token", () => {
  let service: Service;

  before(async () => {
    service = await Service.start();
  });

  after(() => service?.stop());

  it("cannot be configured through it", async () => {
    const options = { headers: JSON_TYPE, body: '{"failing":true}' };
    for (const caller of [service.front, ...service.instances])
      expect((await caller.ask("PUT", `${PATH}default`, options)).status).to.equal(404);
    expect(service.processors.default.settings.failing).to.equal(false);
  });
});
