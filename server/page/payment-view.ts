export type AttemptView = {
  time: string;
  processor: string | null;
  reason: string | null;
  outcome: string;
  ms: number | null;
};

/** What GET /payments/{id} answers. */
export type PaymentView = {
  id: string;
  correlationId: string;
  amount: number;
  state: string;
  /** Only in doubt or held: whether an operator has to settle it. */
  stuck?: boolean;
  /** Only while it is. */
  held?: boolean;
  processor: string | null;
  acceptedAt: string;
  requestedAt: string | null;
  processedAt: string | null;
  attemptCount: number;
  attempts: AttemptView[];
};
