/**
 * What takes more than one statement in its transaction, as functions: one round trip, and no lock is held while an
 * instance is away. Each statement of a function sees what was committed before it began, so what is read after a lock
 * was waited for is new.
 *
 * Locks are taken in one order by all: partitions by their numbers, then checkpoints, then members. An append takes
 * those of its partitions in whatever order the plan has: with the raise that follows on it, it may come to a deadlock,
 * of which the database ends one side within a second, with nothing done.
 */
export const FUNCTIONS_1 = `
-- Several joins of one number meet at its index: the later ones wait for the first, and find it. The one that was found
-- may be gone a moment later: then again.
CREATE FUNCTION rinha.join_member(the_number int, the_life text, the_address text, the_renewal text) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
  found_member json;
BEGIN
  FOR i IN 1..10 LOOP
    INSERT INTO rinha.member (number, life, address, renewal) VALUES (the_number, the_life, the_address, the_renewal)
      ON CONFLICT (number) DO UPDATE SET address = excluded.address, renewal = excluded.renewal, renewed_at = now()
      WHERE member.life = excluded.life;
    IF FOUND THEN RETURN NULL; END IF;
    SELECT json_build_object('number', number, 'life', life, 'address', address, 'renewal', renewal)
      INTO found_member FROM rinha.member WHERE number = the_number;
    IF FOUND THEN RETURN found_member; END IF;
  END LOOP;
  RAISE EXCEPTION 'a place must be free or taken: number=%', the_number;
END $$;

-- Partitions first: a claim of this life that is under way has its partition, and then looks for its member.
CREATE FUNCTION rinha.leave(the_life text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM rinha.partition WHERE life = the_life ORDER BY number FOR NO KEY UPDATE;
  UPDATE rinha.partition SET life = NULL WHERE life = the_life;
  DELETE FROM rinha.member WHERE life = the_life;
END $$;

CREATE FUNCTION rinha.outline(the_partition int) RETURNS json
LANGUAGE sql STABLE AS $$
  SELECT json_build_object('head', p.head, 'capacity', p.capacity, 'checkpoint',
    CASE WHEN k.number IS NOT NULL THEN json_build_object('number', k.number, 'lsn', k.lsn, 'latestMs', k.latest_ms,
      'epoch', k.epoch, 'rows', k.rows) END)
  FROM rinha.partition p LEFT JOIN rinha.checkpoint k ON k.number = p.checkpoint WHERE p.number = the_partition
$$;

-- The partition's row is locked first. So this waits for an append or another claim that is under way, and what it
-- sees then is the last word: the next append of another epoch finds nothing to update. The former carrier is gone or
-- not: a life that is gone never comes back, so a late look errs to the side of "taken". The claimant's row is locked
-- against its deletion, not against renewals (KEY SHARE): it is a member when this commits.
CREATE FUNCTION rinha.claim(the_partition int, the_life text, the_processors text[], the_capacity bigint) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
  had rinha.partition;
  claimant rinha.member;
BEGIN
  SELECT * INTO had FROM rinha.partition WHERE number = the_partition FOR NO KEY UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'there must be such a partition: partition=%', the_partition; END IF;
  IF had.halted IS NOT NULL THEN RETURN json_build_object('halted', had.halted); END IF;
  SELECT * INTO claimant FROM rinha.member WHERE life = the_life FOR KEY SHARE;
  IF NOT FOUND THEN RAISE EXCEPTION 'a claimant must be a member: life=%', the_life; END IF;
  IF had.life <> the_life AND EXISTS (SELECT FROM rinha.member WHERE life = had.life) THEN RETURN NULL; END IF;
  UPDATE rinha.partition SET life = the_life, since = epoch + 1, epoch = epoch + 1,
    capacity = greatest(capacity, the_capacity), restored_since_ms = CASE WHEN is_restored
      THEN coalesce(restored_since_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)) END
    WHERE number = the_partition RETURNING restored_since_ms INTO had.restored_since_ms;
  INSERT INTO rinha.carriage (partition, epoch, number, life, processors)
    VALUES (the_partition, had.epoch + 1, claimant.number, the_life, the_processors);
  RETURN json_build_object('epoch', had.epoch + 1, 'outline', rinha.outline(the_partition), 'restored',
    CASE WHEN had.is_restored
      THEN json_build_object('lostFromMs', had.lost_from_ms, 'sinceMs', had.restored_since_ms) END);
END $$;

-- Waits for an append of a connection that was lost: it has the row until it is done or undone. One that has not come
-- to the row by then finds another epoch.
CREATE FUNCTION rinha.raise_epochs(the_partitions int[], the_sinces int[]) RETURNS json
LANGUAGE plpgsql AS $$
DECLARE
  raised int[];
BEGIN
  PERFORM FROM rinha.partition WHERE number = ANY(the_partitions) ORDER BY number FOR NO KEY UPDATE;
  WITH tenure AS (SELECT * FROM unnest(the_partitions, the_sinces) AS t(number, since)), done AS (
    UPDATE rinha.partition p SET epoch = p.epoch + 1 FROM tenure t
      WHERE p.number = t.number AND p.since = t.since AND p.life IS NOT NULL RETURNING p.number
  )
  SELECT array_agg(number) INTO raised FROM done;
  INSERT INTO rinha.carriage (partition, epoch, number, life, processors)
    SELECT p.number, p.epoch, c.number, c.life, c.processors
    FROM rinha.partition p JOIN rinha.carriage c ON c.partition = p.number AND c.epoch = p.epoch - 1
    WHERE p.number = ANY(raised);
  RETURN (SELECT coalesce(json_agg(json_build_object('partition', number, 'epoch', epoch, 'head', head)
      ORDER BY number), '[]'::json)
    FROM rinha.partition WHERE number = ANY(raised));
END $$;

-- A claim or a raise comes before or after it as a whole: all lock the partition's row. Slices that are still coming
-- in have the checkpoint's row until they are there.
CREATE FUNCTION rinha.finish_checkpoint(the_partition int, the_epoch int, the_checkpoint bigint, the_slices int,
  the_rows bigint) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  had rinha.partition;
  it rinha.checkpoint;
BEGIN
  SELECT * INTO had FROM rinha.partition WHERE number = the_partition FOR NO KEY UPDATE;
  IF had.epoch IS DISTINCT FROM the_epoch THEN RETURN false; END IF;
  IF had.checkpoint = the_checkpoint THEN RETURN true; END IF;
  SELECT * INTO it FROM rinha.checkpoint WHERE number = the_checkpoint FOR NO KEY UPDATE;
  IF NOT FOUND OR it.partition <> the_partition OR it.number < had.checkpoint
    THEN RAISE EXCEPTION 'a checkpoint must be begun to be finished: checkpoint=%', the_checkpoint; END IF;
  IF it.epoch <> the_epoch THEN RETURN false; END IF;
  IF (SELECT count(*) <> the_slices OR max(index) + 1 <> the_slices FROM rinha.slice
    WHERE checkpoint = the_checkpoint) THEN RETURN false; END IF;
  UPDATE rinha.checkpoint SET is_finished = true, rows = the_rows WHERE number = the_checkpoint;
  UPDATE rinha.partition SET checkpoint = the_checkpoint WHERE number = the_partition;
  RETURN true;
END $$;

-- Attached, not made as a part: that would lock the table against appends for longer. An append that had locked the
-- table before it had this part could still see the generation's row, and would find no part for its rows: so the row
-- is committed when no append is under way, and the next one learns of both. As with a drop, the lock is given up soon,
-- and no standby is waited for: whatever one confirms later comes after this.
CREATE FUNCTION rinha.begin_generation() RETURNS int
LANGUAGE plpgsql AS $$
DECLARE
  the_number int := (SELECT coalesce(max(number), 0) + 1 FROM rinha.generation);
BEGIN
  EXECUTE format('CREATE TABLE rinha.chunk_%s (LIKE rinha.chunk INCLUDING ALL, CHECK (generation = %s))',
    the_number, the_number);
  EXECUTE format('ALTER TABLE rinha.chunk ATTACH PARTITION rinha.chunk_%s FOR VALUES IN (%s)',
    the_number, the_number);
  PERFORM set_config('lock_timeout', '100ms', true), set_config('synchronous_commit', 'local', true);
  LOCK TABLE rinha.chunk IN SHARE MODE;
  INSERT INTO rinha.generation (number) VALUES (the_number);
  RETURN the_number;
END $$;

-- Whether every chunk of it ends before its partition's checkpoint begins to need it, and is in the payment table where
-- that is kept up.
CREATE FUNCTION rinha.is_covered(the_generation int) RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT NOT EXISTS (
    SELECT FROM rinha.partition p LEFT JOIN rinha.checkpoint k ON k.number = p.checkpoint
    LEFT JOIN rinha.payment_position t ON t.partition = p.number
    CROSS JOIN LATERAL (SELECT c.first_lsn + c.record_count AS end_lsn FROM rinha.chunk c
      WHERE c.generation = the_generation AND c.partition = p.number ORDER BY c.first_lsn DESC LIMIT 1) AS last
    WHERE k.lsn IS NULL OR last.end_lsn > least(k.lsn, t.lsn))
$$;

-- Under the lock nothing is being appended; what comes after it finds the generation gone, or goes to a later one.
-- Others wait behind this one for the lock, so it gives up soon. It may be undone by the loss of this server, so it
-- need not wait for a standby with the lock.
CREATE FUNCTION rinha.drop_generation(the_generation int) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('lock_timeout', '100ms', true), set_config('synchronous_commit', 'local', true);
  LOCK TABLE rinha.chunk IN ACCESS EXCLUSIVE MODE;
  IF the_generation >= (SELECT max(number) FROM rinha.generation) OR NOT rinha.is_covered(the_generation)
    THEN RETURN false; END IF;
  EXECUTE format('DROP TABLE rinha.chunk_%s', the_generation);
  DELETE FROM rinha.generation WHERE number = the_generation;
  RETURN true;
END $$;
`;
