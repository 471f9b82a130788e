import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { parse } from "yaml";
import { REPOSITORY_ROOT } from "../../perf/lab/repository.ts";

type Ref = { $ref?: string };
type Header = Ref & { required?: boolean; schema?: { type?: string } };
type Described = Ref & { headers?: Record<string, Header>; content?: Record<string, unknown> };
type Parameter = Ref & { name: string; in: string; "x-has-slashes"?: boolean };
export type Operation = { responses: Record<string, Described> };
type PathItem = { parameters?: Parameter[] } & Record<string, unknown>;
export type ApiDocument = {
  paths: Record<string, PathItem>;
  components: { responses: Record<string, Described> } & Record<string, Record<string, unknown>>;
};

export type ToldAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

const DOCUMENT_PATH = join(REPOSITORY_ROOT, "docs", "openapi.yaml");
const DOCUMENT_ID = "openapi";
export const METHODS = ["get", "head", "post", "put", "delete", "patch", "options", "trace"];

/** Headers of HTTP itself, which no description lists; and CORS, of which the description speaks once for all. */
const GENERAL_HEADERS = [
  "access-control-allow-origin",
  "connection",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "server",
  "transfer-encoding",
  "uwebsockets",
];
const BODILESS = [101, 204, 304];

/** docs/openapi.yaml, to hold real answers against. */
export class ApiDescription {
  readonly document: ApiDocument;
  readonly #ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: true });
  readonly #validators = new Map<string, ValidateFunction>();
  readonly #routes: readonly { template: string; pattern: RegExp }[];

  constructor() {
    this.document = parse(readFileSync(DOCUMENT_PATH, "utf8")) as ApiDocument;
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(this.document, DOCUMENT_ID);
    this.#routes = Object.entries(this.document.paths).map(([template, item]) => {
      const hasSlashes = item.parameters?.some((parameter) => parameter["x-has-slashes"]) === true;
      const source = template.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, hasSlashes ? ".+" : "[^/]+");
      return { template, pattern: new RegExp(`^${source}$`) };
    });
  }

  /** Which path of the description a request's target is one of. */
  templateOf(target: string): string | undefined {
    const [path = ""] = target.split("?");
    return this.#routes.find(({ pattern }) => pattern.test(path))?.template;
  }

  /** The description's key for the answer, such as "200" or "default". */
  keyOf(method: string, target: string, status: number): string {
    const responses = this.#operation(method, target)?.responses ?? {};
    return String(status) in responses ? String(status) : "default";
  }

  /** What the description does not say of this answer, or says otherwise; empty if all is as described. */
  faultsOf(method: string, target: string, answer: ToldAnswer): string[] {
    const template = this.templateOf(target);
    const operation = this.#operation(method, target);
    const key = this.keyOf(method, target, answer.status);
    // What has no operation of its own is refused, and how is described once.
    const pointer =
      template !== undefined && operation !== undefined
        ? `#/paths/${escaped(template)}/${method.toLowerCase()}/responses/${key}`
        : "#/components/responses/Refused";
    const [described, at] = this.#resolve<Described>(pointer);
    return [
      ...this.#headerFaults(described, at, answer),
      ...this.#bodyFaults(described, at, method, answer),
      ...this.#methodFaults(template, operation, method, answer),
    ].map((fault) => `${method} ${target} ${answer.status}: ${fault}`);
  }

  #operation(method: string, target: string): Operation | undefined {
    const template = this.templateOf(target);
    return template === undefined
      ? undefined
      : (this.document.paths[template]?.[method.toLowerCase()] as Operation | undefined);
  }

  /** A 405 names at least the methods that are described for the path. */
  #methodFaults(
    template: string | undefined,
    operation: Operation | undefined,
    method: string,
    { status, headers }: ToldAnswer,
  ): string[] {
    if (status !== 405) return [];
    if (operation !== undefined) return [`the method is described: method=${method}`];
    const allowed = String(headers["allow"]).toLowerCase().split(", ");
    // The balancer, which refuses TRACE, does not know the path.
    const described = METHODS.filter((name) => template !== undefined && name in this.document.paths[template]!);
    const missing = method === "TRACE" ? [] : described.filter((name) => !allowed.includes(name));
    return missing.map((name) => `Allow must name a described method: method=${name} allow=${headers["allow"]}`);
  }

  #headerFaults(described: Described, at: string, { headers }: ToldAnswer): string[] {
    const known = new Map(Object.keys(described.headers ?? {}).map((name) => [name.toLowerCase(), name]));
    const faults = Object.keys(headers)
      .filter((name) => !known.has(name) && !GENERAL_HEADERS.includes(name))
      .map((name) => `a header must be described: header=${name}`);
    for (const [name, key] of known) {
      const [header, headerAt] = this.#resolve<Header>(`${at}/headers/${escaped(key)}`);
      const value = headers[name];
      if (value === undefined) {
        if (header.required) faults.push(`a header must be there: header=${key}`);
        continue;
      }
      const [schema, schemaAt] = this.#resolve<Ref & { type?: string }>(`${headerAt}/schema`);
      faults.push(...this.#schemaFaults(schemaAt, schema.type === "integer" ? Number(value) : value, key));
    }
    return faults;
  }

  #bodyFaults(described: Described, at: string, method: string, { status, headers, body }: ToldAnswer): string[] {
    if (method === "HEAD" || described.content === undefined || BODILESS.includes(status))
      return body === "" ? [] : [`there must be no body: body=${body.slice(0, 100)}`];
    const type = String(headers["content-type"]).split(";")[0]!;
    if (!(type in described.content)) return [`the content type must be described: content-type=${type}`];
    const value = /json$/.test(type) ? parsed(body) : body;
    const faults = this.#schemaFaults(`${at}/content/${escaped(type)}/schema`, value, "body");
    const told = type === "application/problem+json" ? (value as { status?: number }).status : status;
    return told === status ? faults : [...faults, `the problem's status must be the answer's: status=${told}`];
  }

  #schemaFaults(pointer: string, value: unknown, what: string): string[] {
    let validate = this.#validators.get(pointer);
    if (validate === undefined) {
      validate = this.#ajv.compile({ $ref: `${DOCUMENT_ID}${pointer}` });
      this.#validators.set(pointer, validate);
    }
    if (validate(value)) return [];
    const told = this.#ajv.errorsText(validate.errors, { dataVar: what });
    return [`${told}: ${what}=${JSON.stringify(value).slice(0, 300)}`];
  }

  /** What is there, and where it stands in the end. */
  #resolve<T extends Ref>(pointer: string): [T, string] {
    let found: unknown = this.document;
    for (const part of pointer.slice(2).split("/")) {
      const key = decodeURIComponent(part.replaceAll("~1", "/").replaceAll("~0", "~"));
      found = (found as Record<string, unknown>)[key];
    }
    if (found === undefined) throw new Error(`the description must have what it refers to: pointer=${pointer}`);
    const { $ref } = found as Ref;
    return $ref === undefined ? [found as T, pointer] : this.#resolve<T>($ref);
  }
}

/** A part of a JSON pointer in a URI fragment. */
function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

let description: ApiDescription | undefined;

/** Read once, by the first test that asks. */
export function apiDescription(): ApiDescription {
  description ??= new ApiDescription();
  return description;
}
