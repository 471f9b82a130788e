import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import type { MetricsSource } from "../../server/telemetry/metrics-source.ts";
import { newRegistry, Readings } from "../../server/telemetry/readings.ts";
import { registerStore } from "../../server/telemetry/store-metrics.ts";
import { newPayment, pay, payMany } from "./payments.ts";
import { parseMetrics } from "./prometheus-text.ts";
import { type Query, readQuery } from "./promql.ts";
import { type Scraped, scrapeAll } from "./scrape.ts";
import { Service } from "./service.ts";
import { untilProcessed } from "./summaries.ts";

type Panel = { id: number; type: string; title: string; targets?: { expr: string }[]; gridPos: Grid };
type Grid = { x: number; y: number; w: number; h: number };
type Dashboard = { panels: Panel[]; templating: { list: { name: string; definition?: string }[] } };
type Rule = { alert: string; expr: string; annotations: Record<string, string>; labels: { severity: string } };

/** What Prometheus adds by itself. */
const SCRAPE_LABELS = ["instance", "job"];

const dashboard = JSON.parse(readFileSync("docker/grafana/dashboard.json", "utf8")) as Dashboard;
const alerts = parse(readFileSync("docker/prometheus/alerts.yml", "utf8")) as { groups: { rules: Rule[] }[] };
const rules = alerts.groups.flatMap((group) => group.rules);
const queries: { from: string; expression: string }[] = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ from: `panel ${title}`, expression: expr })),
  ),
  ...rules.map(({ alert, expr }) => ({ from: `alert ${alert}`, expression: expr })),
];

/** Every name of a sample, with the values its labels have. */
type Exported = Map<string, Map<string, Set<string>>>;

function exportedBy(scraped: readonly Scraped[]): Exported {
  const exported: Exported = new Map([["up", new Map()]]);
  for (const sample of scraped.flatMap((families) => [...families.values()]).flatMap(({ samples }) => samples)) {
    const labels = exported.get(sample.name) ?? new Map<string, Set<string>>();
    exported.set(sample.name, labels);
    for (const [name, value] of Object.entries(sample.labels)) {
      labels.set(name, (labels.get(name) ?? new Set()).add(value));
    }
  }
  return exported;
}

/** What a query speaks of that is not exported. */
function unknownIn({ selectors, groupings }: Query, exported: Exported): string[] {
  const unknown: string[] = [];
  for (const { metric, labels } of selectors) {
    const known = exported.get(metric);
    if (!known) unknown.push(metric);
    for (const { name, operator, value } of labels) {
      if (SCRAPE_LABELS.includes(name)) continue;
      if (!known?.get(name)) unknown.push(`${metric}{${name}}`);
      else if (operator === "=" && !known.get(name)!.has(value)) unknown.push(`${metric}{${name}="${value}"}`);
    }
  }
  for (const label of groupings) {
    const isKnown = selectors.some(({ metric }) => exported.get(metric)?.has(label));
    if (!isKnown && !SCRAPE_LABELS.includes(label)) unknown.push(`by (${label})`);
  }
  return unknown;
}

/** Of instances over a database, which these here are not. */
async function storeMetrics(): Promise<Scraped> {
  const registry = newRegistry();
  const standing = { isLeaseValid: true, memberCount: 3, isStandbyAskedFor: true, syncStandbyCount: 1 };
  registerStore(new Readings(registry, "rinha_"), { custody: { standing } } as unknown as MetricsSource);
  return parseMetrics(await registry.metrics());
}

describe("dashboard and alerts", () => {
  let exported: Exported;

  before(async () => {
    // A collector that is not there: what becomes of spans is exported where something is traced.
    const service = await Service.start({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" } });
    try {
      const payments = Array.from({ length: 20 }, () => newPayment());
      await payMany(service.front, payments);
      await pay(service.front, payments[0]!);
      await untilProcessed(service, payments.length);
      service.processors.default.settings.failing = true;
      await payMany(service.front, [newPayment(), newPayment()]);
      await untilProcessed(service, payments.length + 2);
      exported = exportedBy([...(await scrapeAll(service)), await storeMetrics()]);
    } finally {
      await service.stop();
    }
  });

  it("speak only of metrics, labels and label values that instances export", () => {
    expect(queries).to.have.length.above(60);
    for (const { from, expression } of queries) {
      expect(unknownIn(readQuery(expression), exported), `${from}: ${expression}`).to.deep.equal([]);
    }
  });

  it("would be found out if a metric, a label or a value were renamed", () => {
    const wrong = {
      rinha_payment_accepted_total: "rinha_payment_accepted_total",
      'rinha_ledger_payments{status="pending"}': "rinha_ledger_payments{status}",
      'sum(rate(rinha_ledger_payments{state="in doubt"}[1m]))': 'rinha_ledger_payments{state="in doubt"}',
      "sum by (procesor) (rinha_processor_up)": "by (procesor)",
    };
    for (const [expression, unknown] of Object.entries(wrong)) {
      expect(unknownIn(readQuery(expression), exported)).to.deep.equal([unknown]);
    }
    expect(() => readQuery("histogramm_quantile(0.9, up)")).to.throw("a function is known");
    expect(() => readQuery("up{job=}")).to.throw("matchers are");
  });

  it("show every metric of ours somewhere", () => {
    const shown = new Set(
      queries.flatMap(({ expression }) => readQuery(expression).selectors.map(({ metric }) => family(metric))),
    );
    const ours = [...exported.keys()].filter((name) => name.startsWith("rinha_")).map(family);
    expect(new Set(ours.filter((name) => !shown.has(name)))).to.deep.equal(new Set());
  });

  it("have panels that do not overlap, with names of their own, and a choice of the instance", () => {
    const { panels, templating } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).to.be.at.most(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), title).to.equal(false);
          taken.add(`${x},${y}`);
        }
      }
    }
    const chosen = templating.list.find(({ name }) => name === "instance")?.definition;
    const metric = /^label_values\((\w+), instance\)$/.exec(chosen ?? "")?.[1];
    expect(exported.has(metric ?? "")).to.equal(true);
  });

  it("tell of everything that has to be told of, each alert once and in words", () => {
    const names = rules.map(({ alert }) => alert);
    expect(new Set(names).size).to.equal(names.length);
    expect(names).to.include.members([
      "InstanceDown",
      "PartitionNotCarried",
      "PartitionCarriedTwice",
      "PartitionRefused",
      "PartitionsMoveOften",
      "AllProcessorsDown",
      "PaymentsInDoubt",
      "StuckDoubts",
      "BacklogGrows",
      "JournalFailing",
      "JournalUpkeepFails",
      "ClockStepped",
      "LatencyHigh",
      "EventLoopDelayed",
      "MemoryNearLimit",
      "LedgerNearlyFull",
    ]);
    for (const { alert, annotations, labels } of rules) {
      expect(annotations["summary"], alert).to.be.a("string").and.not.equal("");
      expect(labels.severity, alert).to.match(/^(warning|critical)$/);
    }
  });

  it("say what to do where only a person can do it, by a command and a chapter that there are", () => {
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
    for (const name of ["StuckDoubts", "RestoredPaymentsHeld"]) {
      const runbook = rules.find(({ alert }) => alert === name)?.annotations["runbook"] ?? "";
      const [, command = ""] = /npm run (\w+) --/.exec(runbook) ?? [];
      const [, page = "", chapter = ""] = /(docs\/\w+\.md), "([^"]+)"/.exec(runbook) ?? [];
      expect(scripts, name).to.have.property(command);
      expect(readFileSync(page, "utf8").split("\n"), name).to.include(`## ${chapter}`);
    }
  });
});

describe("docker/compose.observability.yml", () => {
  type Added = { environment?: Record<string, string>; volumes?: string[]; networks?: string[]; ports?: string[] };
  const compose = parse(readFileSync("docker/compose.observability.yml", "utf8"), { merge: true }) as {
    services: Record<string, Added>;
  };
  const service = parse(readFileSync("docker/compose.yml", "utf8"), { merge: true }) as {
    services: Record<string, Added>;
    networks: Record<string, unknown>;
  };

  it("scrapes every instance of the service where it then listens", () => {
    const { scrape_configs: configs } = parse(readFileSync("docker/prometheus/prometheus.yml", "utf8")) as {
      scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
    };
    const targets = configs.flatMap((config) => config.static_configs.flatMap((group) => group.targets));
    const instances = Object.keys(service.services).filter((name) => name.startsWith("instance-"));
    const listening = instances.map((name) => {
      const port = /^tcp:0\.0\.0\.0:(\d+)$/.exec(compose.services[name]?.environment?.["ADMIN_LISTEN"] ?? "")?.[1];
      return `${name}:${port}`;
    });
    expect(targets).to.deep.equal(listening);
    for (const { expression } of queries) {
      for (const job of expression.matchAll(/job="([^"]+)"/g)) expect(job[1]).to.equal(configs[0]!.job_name);
    }
  });

  it("mounts files that exist, read-only, and opens ports to this machine alone", () => {
    for (const [name, { volumes = [], ports = [], networks = [] }] of Object.entries(compose.services)) {
      for (const mounted of volumes.filter((volume) => volume.startsWith("."))) {
        expect(existsSync(join("docker", mounted.split(":")[0]!)), mounted).to.equal(true);
        expect(mounted).to.match(/:ro$/);
      }
      for (const port of ports) expect(port, name).to.match(/^127\.0\.0\.1:/);
      for (const network of networks) expect(service.networks, name).to.have.property(network);
    }
  });

  it("mounts what Prometheus and Grafana are told to read", () => {
    const mountsOf = (name: string): string[] => (compose.services[name]?.volumes ?? []).map((v) => v.split(":")[1]!);
    const { rule_files: ruleFiles } = parse(readFileSync("docker/prometheus/prometheus.yml", "utf8")) as {
      rule_files: string[];
    };
    for (const file of ruleFiles) expect(mountsOf("prometheus")).to.include(`/etc/prometheus/${file}`);
    const { providers } = parse(readFileSync("docker/grafana/provisioning/dashboards/rinha-backend.yml", "utf8")) as {
      providers: { options: { path: string } }[];
    };
    for (const { options } of providers) expect(mountsOf("grafana").map(dirname)).to.include(options.path);
  });
});

function family(name: string): string {
  return name.replace(/_(bucket|sum|count)$/, "");
}
