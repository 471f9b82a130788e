import { readFileSync } from "node:fs";
import { expect } from "chai";
import { findNginx, renderNginxConf } from "../../../perf/launch/nginx.ts";
import { REPOSITORY_NGINX_CONF } from "../../../perf/launch/plans.ts";

describe("nginx.conf for a topology", () => {
  const conf = readFileSync(REPOSITORY_NGINX_CONF, "utf8");
  const shape = { host: "127.0.0.1", port: 9999, instanceCount: 2, hasPaymentRate: true };

  it("differs from the repository's in the listen line only, for the usual two instances", () => {
    const before = conf.split("\n");
    const changed = renderNginxConf(conf, { ...shape, port: 12_345 })
      .split("\n")
      .filter((line, i) => line !== before[i]);
    expect(changed).to.have.length(1);
    expect(changed[0]).to.match(/^\s*listen 127\.0\.0\.1:12345[ ;]/);
  });

  it("has no rate of payments where nothing limits its CPU", () => {
    const lines = renderNginxConf(conf, { ...shape, hasPaymentRate: false }).split("\n");
    const kept = renderNginxConf(conf, shape).split("\n");
    expect(kept.filter((line) => !lines.includes(line)).map((line) => line.trim())).to.deep.equal([
      "limit_req zone=payment_rate burst=640 nodelay;",
    ]);
    expect(lines).to.have.length(kept.length - 1);
  });

  for (const instanceCount of [1, 3, 12]) {
    it(`lists ${instanceCount} instances in order, in every upstream`, () => {
      const rendered = renderNginxConf(conf, { ...shape, instanceCount });
      const upstreams = rendered.match(/upstream \w+ \{[^}]*\}/g) ?? [];
      expect(upstreams).to.have.length.at.least(1);
      for (const upstream of upstreams) {
        const sockets = upstream.match(/unix:instance-\d+\.sock/g);
        expect(sockets).to.deep.equal(Array.from({ length: instanceCount }, (_, i) => `unix:instance-${i + 1}.sock`));
      }
    });
  }

  it("refuses a file it does not know how to change", () => {
    expect(() => renderNginxConf("listen 80;", shape)).to.throw("nginx.conf must have the line: line=listen 9999");
    expect(() => renderNginxConf("listen 9999;", shape)).to.throw("line=server unix:instance-N.sock");
    const withoutRate = conf.replace(/^ *limit_req .*\n/m, "");
    expect(() => renderNginxConf(withoutRate, shape)).to.throw("line=limit_req");
  });

  it("finds nginx where a service user's PATH does not lead", () => {
    expect(findNginx("")).to.match(/\/nginx$/);
  });
});
