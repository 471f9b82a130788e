/** An error answer: application/problem+json (RFC 9457) with the rule that was broken and, where there is one, the field. */
export type Problem = {
  status: number;
  /** `rule: name=value` */
  detail: string;
  field?: string;
};

/** How long a client does well to wait before it repeats a request that was not taken. */
export const RETRY_AFTER_S = 1;

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  421: "Misdirected Request",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

const SHOWN_CHARS_MAX = 64;

export function titleOf(status: number): string {
  return TITLES[status] ?? "Error";
}

export function problemBody(problem: Problem): string {
  const { status, detail, field } = problem;
  return JSON.stringify({ type: "about:blank", title: titleOf(status), status, detail, ...(field && { field }) });
}

/** A refusal of what the client sent. */
export function badRequest(field: string, rule: string, value?: unknown): Problem {
  return { status: 400, field, detail: value === undefined ? rule : `${rule}: ${field}=${shown(value)}` };
}

export function unavailable(reason: string): Problem {
  return { status: 503, detail: reason };
}

/** The value as JSON, cut to a length that is safe to echo. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
