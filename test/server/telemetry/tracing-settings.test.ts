import { expect } from "chai";
import { readConfig } from "../../../server/config.ts";
import { readTracing } from "../../../server/telemetry/tracing-settings.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4317" };

function read(environment: Record<string, string>) {
  const errors: string[] = [];
  return { settings: readTracing(environment, errors), errors };
}

describe("tracing settings", () => {
  it("are off unless an endpoint or the exporter is named, and where they are switched off", () => {
    for (const environment of [
      {},
      { OTEL_SERVICE_NAME: "payments", OTEL_TRACES_SAMPLER: "always_on" },
      { ...ENDPOINT, OTEL_SDK_DISABLED: "TRUE" },
      { ...ENDPOINT, OTEL_TRACES_EXPORTER: "none" },
      { OTEL_EXPORTER_OTLP_ENDPOINT: " " },
    ]) {
      expect(read(environment)).to.deep.equal({ settings: undefined, errors: [] });
    }
    for (const environment of [
      ENDPOINT,
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector.example" },
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" },
      { OTEL_TRACES_EXPORTER: "otlp" },
      { ...ENDPOINT, OTEL_SDK_DISABLED: "false" },
    ]) {
      const { settings, errors } = read(environment);
      expect(errors).to.deep.equal([]);
      expect(settings).to.include({ isParentBased: true, ratio: 1 });
    }
  });

  it("know every sampler of the standard", () => {
    const expected: Record<string, number> = { always_on: 1, always_off: 0, traceidratio: 0.25 };
    for (const [name, ratio] of Object.entries(expected)) {
      for (const isParentBased of [false, true]) {
        const sampler = isParentBased ? `parentbased_${name}` : name;
        const environment = { ...ENDPOINT, OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: "0.25" };
        expect(read(environment).errors).to.deep.equal([]);
        expect(read(environment).settings).to.include({ isParentBased, ratio });
      }
    }
    expect(read({ ...ENDPOINT, OTEL_TRACES_SAMPLER: "traceidratio" }).settings?.ratio).to.equal(1);
  });

  it("refuse what cannot be used, naming the rule", () => {
    const cases: [string, string, RegExp][] = [
      ["OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://localhost", /must be http:/],
      ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://", /must be http:/],
      ["OTEL_EXPORTER_OTLP_INSECURE", "yes", /must be true or false/],
      ["OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP", /must be none or gzip/],
      ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost", /<host>:<port>/],
      ["OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", /must be grpc/],
      ["OTEL_EXPORTER_OTLP_TIMEOUT", "soon", /must be a whole number from 1 to/],
      ["OTEL_TRACES_EXPORTER", "zipkin", /must be otlp or none/],
      ["OTEL_TRACES_SAMPLER", "jaeger_remote", /must be one of always_on, parentbased_always_on/],
      ["OTEL_BSP_MAX_QUEUE_SIZE", "1000000", /must be a whole number from 1 to 65536/],
      ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096", /must be at most the queue's size 2048/],
      ["OTEL_BSP_SCHEDULE_DELAY", "-1", /must be a whole number/],
      ["OTEL_RESOURCE_ATTRIBUTES", "team", /must be key=value/],
      ["OTEL_RESOURCE_ATTRIBUTES", "a=b,c=50%", /must be key=value/],
    ];
    for (const [name, value, rule] of cases) {
      const { errors } = read({ ...ENDPOINT, [name]: value });
      expect(errors, `${name}=${value}`).to.have.length(1);
      expect(errors[0]).to.match(rule).and.contain(`${name}=${value}`);
    }
    for (const ratio of ["1.5", "-0.1", "half"]) {
      const environment = { ...ENDPOINT, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: ratio };
      expect(read(environment).errors[0]).to.equal(
        `OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1: OTEL_TRACES_SAMPLER_ARG=${ratio}`,
      );
    }
  });

  it("take what the standard allows", () => {
    const environment = {
      ...ENDPOINT,
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,team=caf%C3%A9",
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_EXPORTER_OTLP_TIMEOUT: "2000",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "grpc",
    };
    expect(read(environment).errors).to.deep.equal([]);
  });

  it("do not show a password", () => {
    const { errors } = read({ OTEL_EXPORTER_OTLP_ENDPOINT: "ftp://me:secret@host" });
    expect(errors.join()).to.contain("//***@host").and.not.contain("secret");
  });

  it("are refused together with the instance's own", () => {
    const errors = readConfig({ ...ENDPOINT, OTEL_TRACES_SAMPLER: "never", CAPACITY: "none" });
    expect(errors).to.be.an("array").with.length(2);
  });
});
