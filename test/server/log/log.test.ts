import { expect } from "chai";
import type { Log } from "../../../server/log/log.ts";
import { REDACTED } from "../../../server/log/log-redaction.ts";
import { logOf } from "../../support/memory-log.ts";

const SECRET = "hunter2";

describe("log", () => {
  const secrets: Record<string, (log: Log) => void> = {
    "a field": ({ logger }) => logger.info({ token: SECRET, password: SECRET, authorization: SECRET }, "x"),
    headers: ({ logger }) => logger.info({ headers: { authorization: `Bearer ${SECRET}`, cookie: SECRET } }, "x"),
    "headers of a request": ({ logger }) => logger.info({ req: { headers: { "x-rinha-token": SECRET } } }, "x"),
    "another case": ({ logger }) => logger.info({ headers: { Authorization: SECRET, "Set-Cookie": SECRET } }, "x"),
    "far down": ({ logger }) => logger.info({ a: { b: { c: { d: { token: SECRET } } } } }, "x"),
    "an object of values": ({ logger }) => logger.info({ a: { Token: { value: SECRET, parts: [SECRET] } } }, "x"),
    "a list of values": ({ logger }) => logger.info({ a: { b: { c: { Authorization: [SECRET] } } } }, "x"),
    "a URL": ({ logger }) => logger.info({ url: `http://admin:${SECRET}@host:1/x` }, "x"),
    "a URL without a user": ({ logger }) => logger.info({ url: `http://:${SECRET}@host` }, "x"),
    "the message": ({ logger }) =>
      logger.info(`cannot reach http://admin:${SECRET}@host: Authorization: Basic ${SECRET}`),
    "an error and its stack": ({ logger }) =>
      logger.error({ err: new Error(`no answer: url=https://u:${SECRET}@h authorization="${SECRET}"`) }, "x"),
    "JSON inside of a text": ({ logger }) => logger.info({ body: JSON.stringify({ token: SECRET }) }, "x"),
    "a child's bindings": ({ logger }) => logger.child({ token: SECRET }).info("x"),
  };
  for (const [where, write] of Object.entries(secrets)) {
    it(`keeps secrets to itself: in ${where}`, () => {
      const { log, lines } = logOf();
      write(log);
      expect(lines).to.have.length(1);
      expect(lines[0]).to.contain(REDACTED).and.not.contain(SECRET);
      expect(JSON.parse(lines[0]!)).to.include({ instance: 1 });
    });
  }

  it("leaves everything else as it was", () => {
    const { log, lines } = logOf();
    const fields = { correlationId: "4a7901b8-7d26-4d9d-aa19-4dc1c7cf60b3", basic: 1, url: "http://host:1/a?b=c" };
    log.logger.info(fields, "mail to a@b.example about tokens");
    expect(JSON.parse(lines[0]!)).to.include({ ...fields, msg: "mail to a@b.example about tokens" });
  });

  it("changes its level at once, for those as well who look before they put a line together", () => {
    const { log, lines } = logOf("warn");
    expect([log.isInfo, log.isDebug]).to.deep.equal([false, false]);
    log.level = "debug";
    expect([log.isInfo, log.isDebug]).to.deep.equal([true, true]);
    log.logger.debug("seen");
    log.level = "silent";
    log.logger.fatal("unseen");
    expect(lines.map((line) => JSON.parse(line).msg)).to.deep.equal(["seen"]);
  });

  it("is toggled between its configured level and debug, and from debug to info", () => {
    for (const [configured, other] of [
      ["info", "debug"],
      ["silent", "debug"],
      ["debug", "info"],
      ["trace", "info"],
    ]) {
      const { log } = logOf(configured);
      log.toggle();
      expect(log.level).to.equal(other);
      log.toggle();
      expect(log.level).to.equal(configured);
      log.level = "error";
      log.toggle();
      expect(log.level).to.equal(configured);
    }
  });
});
