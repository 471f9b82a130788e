/**
 * What SQL people get: the payments as rows, and how far along each partition's log they are. The rows' times are the
 * instances'. Of both positions, NULL: the partition's rows are being made anew, by the carrier of `epoch`.
 *
 * Few indexes, because each costs a write a payment: the rows stand in the order of time, which is what BRIN is for.
 */
export const PAYMENT_SCHEMA = `
CREATE TABLE rinha.payment (
  partition int NOT NULL,
  sequence bigint NOT NULL,
  correlation_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  amount numeric(12, 2) NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'sending', 'in doubt', 'processed', 'failed')),
  processor text,
  accepted_at timestamptz NOT NULL,
  requested_at timestamptz,
  processed_at timestamptz,
  attempts smallint NOT NULL,
  PRIMARY KEY (partition, sequence)
);
CREATE INDEX payment_correlation_id ON rinha.payment (correlation_id);
CREATE INDEX payment_accepted_at ON rinha.payment USING brin (accepted_at) WITH (autosummarize = on);
CREATE INDEX payment_requested_at ON rinha.payment USING brin (requested_at) WITH (autosummarize = on);

CREATE TABLE rinha.payment_position (
  partition int PRIMARY KEY,
  lsn bigint,
  epoch int NOT NULL DEFAULT 0,
  moved_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);
`;
