/**
 * Spans as the event loop keeps them and the sender's thread gets them: flat, with what only this span has, because
 * that is cheap to make and to copy. Names, attributes and all that follows from the rest is the sender's work.
 */
type AnySpan = {
  readonly traceId: string;
  readonly spanId: string;
  /** "" for none. */
  readonly parentSpanId: string;
  /** As the header has it; "" for none. */
  readonly traceState: string;
  /** Milliseconds since the epoch, with fractions. */
  readonly startMs: number;
  endMs: number;
  /** A word of a small set, or a status; "" where nothing failed. */
  errorType: string;
};

/** About a payment. */
type Paid = { correlationId: string; cents: number };

export type RequestSpan = AnySpan &
  Paid & {
    readonly what: "request";
    readonly method: string;
    readonly route: string;
    readonly path: string;
    /** "" where no proxy told. */
    readonly client: string;
    status: number;
    /** What became of the payment in it; "" without one. */
    outcome: string;
  };

export type PaymentSpan = AnySpan &
  Paid & {
    readonly what: "payment";
    attemptCount: number;
    outcome: string;
    /** "" where the payment was not followed to its end. */
    state: string;
    /** Name of the one that charged it, or "". */
    processor: string;
  };

export type AttemptSpan = AnySpan &
  Paid & {
    readonly what: "attempt";
    /** By its place in SenderData. */
    readonly processor: number;
    readonly isLookup: boolean;
    readonly requestedAtMs: number;
    readonly resendCount: number;
    outcome: string;
    /** 0 when no answer came. */
    status: number;
    exception: SpanException | undefined;
  };

export type SpanException = { type: string; message: string; stack: string; atMs: number };

export type PollSpan = AnySpan & {
  readonly what: "poll";
  readonly processor: number;
  readonly status: number;
  readonly result: { readonly failing: boolean; readonly minResponseMs: number } | undefined;
};

export type SpanMessage = RequestSpan | PaymentSpan | AttemptSpan | PollSpan;

/** To the sender: a batch by its number. */
export type SenderCommand = { number: number; spans: readonly SpanMessage[] };
/** From the sender: what became of a batch. */
export type SenderReport = { number: number; error: string | undefined };

export type SenderData = {
  instance: number;
  /** `url` as text: a URL cannot be handed to a thread. */
  processors: readonly { name: string; url: string }[];
};
