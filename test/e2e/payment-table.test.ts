import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { makeStore, usePostgres } from "../support/postgres-store.ts";
import { ClusterService } from "./cluster-service.ts";
import { newPayment, type Payment } from "./payments.ts";
import { until } from "./until.ts";

const AUDIT = fileURLToPath(new URL("../../perf/audit/main.js", import.meta.url));
const COUNT = 60;

function payments(count: number): Payment[] {
  return Array.from({ length: count }, (_, i) => newPayment(100 + i));
}

describe("payment table of instances", function () {
  this.timeout(240_000);
  const server = usePostgres();
  let service: ClusterService;

  before(async function () {
    if (server() === undefined) return this.skip();
    await makeStore(server());
    service = await ClusterService.start(server());
    await service.startInstances(2);
  });
  after(() => service?.stop());

  /** The audit's exit code and output. */
  async function audited(...args: string[]): Promise<{ code: number; output: string }> {
    const { processors } = service;
    const urls = ["--default", processors.default.url, "--fallback", processors.fallback.url];
    const child = spawn(process.execPath, [AUDIT, "--store", server().url, "--settle", "0", ...urls, ...args]);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    const [code] = (await once(child, "close")) as [number];
    return { code, output };
  }

  it("has every payment as the service tells it, through a change of carriers", async () => {
    const all = payments(COUNT);
    await service.payAll(all.slice(0, COUNT / 2));
    await service.endInstances();
    await service.startInstances(1);
    await service.payAll(all.slice(COUNT / 2));
    await until("all are processed", async () => (await service.processedCount()) === COUNT);
    const processed = "SELECT count(*)::int AS count FROM rinha.payment WHERE state = 'processed'";
    await until("the table has them", async () => (await server().query(processed))[0]!["count"] === COUNT);
    const rows = await server().query(`
      SELECT correlation_id, payment_id, amount::text, processor, attempts, to_char(requested_at AT TIME ZONE 'UTC',
        'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS requested_at FROM rinha.payment`);
    expect(rows).to.have.length(COUNT);
    for (const { correlation_id: correlationId, payment_id: id, amount, processor, attempts, requested_at } of rows) {
      const view = await service.viewOf({ correlationId: correlationId as string });
      expect({ id, amount: Number(amount), processor, requestedAt: requested_at }).to.deep.equal({
        id: view.id,
        amount: Number(view.amount),
        processor: view.processor,
        requestedAt: view.requestedAt,
      });
      expect(attempts).to.be.at.least(1);
    }
  });

  it("is what the audit compares with the processors", async () => {
    const first = await audited();
    expect(first.output).to.match(/agrees\s*$/);
    expect(first.code).to.equal(0);
    const [row] = await server().query(`
      UPDATE rinha.payment SET amount = amount + 1 WHERE (partition, sequence) IN
        (SELECT partition, sequence FROM rinha.payment WHERE state = 'processed' LIMIT 1)
      RETURNING correlation_id`);
    const second = await audited();
    expect(second.code).to.equal(1);
    expect(second.output)
      .to.include("DIFFERS")
      .and.include(row!["correlation_id"] as string);
    await server().query(
      `UPDATE rinha.payment SET amount = amount - 1 WHERE correlation_id = '${row!["correlation_id"]}'`,
    );
    expect((await audited("--full")).code).to.equal(0);
  });

  it("does not audit beyond what is in doubt, nor without a table", async () => {
    await service.setWires("losing answers");
    const doubtful = payments(1);
    await service.payAll(doubtful);
    await service.untilState(doubtful, "in doubt");
    const { code, output } = await audited("--to", new Date().toISOString());
    expect(output).to.include("window must be settled");
    expect(code).to.equal(2);
    await service.setWires("open");
    await service.untilState(doubtful, "processed");
    await service.endInstances();
    await service.startInstances(1, { PAYMENT_TABLE: "false" });
    const isOff = "SELECT count(*)::int AS count FROM rinha.payment_position";
    await until("the table is left", async () => (await server().query(isOff))[0]!["count"] === 0);
  });
});
