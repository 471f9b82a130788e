/**
 * Every kind of problem that an instance answers with, by its name, and the status that goes with it. The name is the
 * end of the `type` URI, which clients may compare: it never changes its meaning, and names are only ever added.
 * docs/problems.md has a section for each, and for those of the balancer (nginx.conf).
 */
export const PROBLEM_STATUS = {
  "invalid-request": 400,
  "purging-disabled": 403,
  "foreign-page": 403,
  "no-such-resource": 404,
  "no-such-payment": 404,
  "no-such-processor": 404,
  "method-not-allowed": 405,
  "amount-differs": 409,
  "not-in-doubt": 409,
  "never-sent": 409,
  "charge-may-land": 409,
  "being-asked": 409,
  "sent-since": 409,
  "body-too-large": 413,
  "wrong-content-type": 415,
  "processor-not-configured": 502,
  "ledger-full": 503,
  "shutting-down": 503,
  "journal-unwritable": 503,
  "process-stopped": 503,
  "partition-unreachable": 503,
  "purge-incomplete": 503,
  overloaded: 503,
  "too-many-pages": 503,
  // Between instances only: no client sees these.
  "cannot-read-along": 409,
  "not-carried": 421,
  "other-link-protocol": 505,
} as const satisfies Readonly<Record<string, number>>;

export type ProblemName = keyof typeof PROBLEM_STATUS;

/** What every `type` begins with: a name of its own, since no site stands for good behind this service. */
export const PROBLEM_TYPE_PREFIX = "urn:problem-type:rinha-backend:";
