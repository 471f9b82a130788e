import type { Answer } from "./caller.ts";
import type { FuzzRequest } from "./fuzz-request.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
};

/** By status: the ends of the types that there are. */
const NAMES: Readonly<Record<number, readonly string[]>> = {
  400: ["invalid-request", "malformed-http"],
  403: ["purging-disabled"],
  404: ["no-such-payment", "no-such-resource"],
  405: ["method-not-allowed"],
  409: ["amount-differs"],
  413: ["body-too-large"],
};

/** What is wrong with an answer, in words; empty if it is exactly what the contract says. */
export function faultsOf({ method, expected }: FuzzRequest, answer: Answer): string[] {
  const { status, headers, body } = answer;
  if (status !== expected.status) return [`status must be ${expected.status}: status=${status}`];
  const faults: (string | undefined)[] = [
    headerFault(headers["allow"], "allow", expected.allow),
    headerFault(headers["location"], "location", expected.location),
    headerFault(headers["retry-after"], "retry-after"),
    headerFault(headers["access-control-allow-origin"], "access-control-allow-origin"),
  ];
  const hasBody = status !== 202 && status !== 204;
  if (!hasBody || method === "HEAD") faults.push(body === "" ? undefined : "there must be no body");
  if (method === "HEAD" && hasBody) {
    faults.push(Number(headers["content-length"]) > 0 ? undefined : "the length must be told");
  }
  const type = status >= 400 ? "application/problem+json" : hasBody ? "application/json" : undefined;
  faults.push(headerFault(headers["content-type"], "content-type", type));
  if (hasBody && method !== "HEAD") faults.push(...(status >= 400 ? problemFaults(answer, expected.field) : []));
  if (!faults.some((fault) => fault !== undefined)) faults.push(expected.check?.(answer));
  return faults.filter((fault) => fault !== undefined);
}

function headerFault(found: string | undefined, name: string, expected?: string): string | undefined {
  return found === expected ? undefined : `${name} must be ${expected}: ${name}=${found}`;
}

function problemFaults({ status, body }: Answer, field: string | undefined): (string | undefined)[] {
  const problem = JSON.parse(body) as Record<string, unknown>;
  const fields = Object.keys(problem).filter((key) => !["type", "title", "status", "detail", "field"].includes(key));
  return [
    NAMES[status]!.some((name) => problem["type"] === `urn:problem-type:rinha-backend:${name}`)
      ? undefined
      : `type must be of ${NAMES[status]}: type=${problem["type"]}`,
    problem["title"] === TITLES[status] ? undefined : `title must be ${TITLES[status]}`,
    problem["status"] === status ? undefined : "the body's status must be the answer's",
    typeof problem["detail"] === "string" && problem["detail"] !== "" ? undefined : "there must be a detail",
    problem["field"] === field ? undefined : `field must be ${field}: field=${problem["field"]}`,
    fields.length === 0 ? undefined : `nothing else must be in it: ${fields}`,
  ];
}
