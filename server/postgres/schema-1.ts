import { FUNCTIONS_1 } from "./functions-1.ts";
import { PAYMENT_SCHEMA } from "./payment-schema.ts";

/**
 * The first version. What is where:
 *
 *   store        one row: version and number of partitions
 *   member       the instances that have a lease; whose row is gone is gone
 *   partition    who has it, since which epoch, its epoch now, and where its log ends. Its updates touch no index, and
 *                there is room for them on their page (HOT): they are as many as there are appends
 *   carriage     who had a partition with which epoch: by whose processors' numbers its records go
 *   chunk        the logs: the records of one append to one partition. By generation, a table each, so that old ones
 *                are dropped and not deleted. Appends go to the last. Records are not compressed: they hardly shrink
 *   checkpoint   what a log begins with instead of its first chunks, and those that are being written; slice: their
 *                records
 *
 *   health       who may poll a processor until when, and what the last poll was answered. Times are the database's,
 *                and compared within it only. Unlogged: no payment depends on it, no standby has to confirm it, and
 *                whoever connects to a database that has lost it waits before polling
 *
 * LSNs and times are below 2^53: they are numbers in JavaScript too.
 */
export const SCHEMA_1 = `
CREATE TABLE rinha.store (
  id boolean PRIMARY KEY DEFAULT true CHECK (id),
  version int NOT NULL,
  partition_count int NOT NULL CHECK (partition_count BETWEEN 1 AND 256),
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Which import of journals is under way, or was the store's beginning.
  importing text,
  imported text
);

CREATE TABLE rinha.member (
  number int PRIMARY KEY CHECK (number >= 0),
  life text NOT NULL UNIQUE,
  address text NOT NULL,
  renewal text NOT NULL,
  -- For people only: no two clocks are compared.
  renewed_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);

CREATE TABLE rinha.partition (
  number int PRIMARY KEY CHECK (number >= 0),
  life text,
  since int NOT NULL DEFAULT 0,
  epoch int NOT NULL DEFAULT 0,
  head bigint NOT NULL DEFAULT 0,
  capacity bigint NOT NULL DEFAULT 0,
  checkpoint bigint,
  -- Why nobody may claim it.
  halted text,
  is_restored boolean NOT NULL DEFAULT false,
  lost_from_ms double precision,
  restored_since_ms double precision,
  CHECK (NOT is_restored OR lost_from_ms IS NOT NULL)
) WITH (fillfactor = 10);

CREATE TABLE rinha.carriage (
  partition int NOT NULL,
  epoch int NOT NULL,
  number int NOT NULL,
  life text NOT NULL,
  processors text[] NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (partition, epoch)
);

CREATE TABLE rinha.generation (
  number int PRIMARY KEY,
  begun_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE rinha.chunk (
  generation int NOT NULL,
  partition int NOT NULL,
  first_lsn bigint NOT NULL,
  epoch int NOT NULL,
  record_count int NOT NULL CHECK (record_count > 0),
  records bytea NOT NULL,
  PRIMARY KEY (partition, first_lsn, generation)
) PARTITION BY LIST (generation);
ALTER TABLE rinha.chunk ALTER COLUMN records SET STORAGE EXTERNAL;

CREATE TABLE rinha.checkpoint (
  number bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  partition int NOT NULL,
  epoch int NOT NULL,
  lsn bigint NOT NULL,
  latest_ms double precision NOT NULL,
  rows bigint,
  is_finished boolean NOT NULL DEFAULT false,
  begun_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE rinha.slice (
  checkpoint bigint NOT NULL REFERENCES rinha.checkpoint ON DELETE CASCADE,
  index int NOT NULL CHECK (index >= 0),
  records bytea NOT NULL,
  PRIMARY KEY (checkpoint, index)
);
ALTER TABLE rinha.slice ALTER COLUMN records SET STORAGE EXTERNAL;

CREATE UNLOGGED TABLE rinha.health (
  processor text NOT NULL,
  url_hash text NOT NULL,
  holder text NOT NULL,
  until timestamptz NOT NULL,
  told_by text,
  failing boolean,
  min_response_ms int,
  polled_at timestamptz,
  PRIMARY KEY (processor, url_hash)
) WITH (fillfactor = 50);
${PAYMENT_SCHEMA}${FUNCTIONS_1}
SELECT rinha.begin_generation();
-- That asked for no standby to confirm it. A new store is told of when it is as safe as what it will keep.
SET LOCAL synchronous_commit TO DEFAULT;
`;
