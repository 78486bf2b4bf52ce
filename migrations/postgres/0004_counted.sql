-- Where the inbox counts a failure: kind, queue and hour. Its row goes by another time than the one at which it failed, and takes
-- its count along. NULL: it is not counted, or not any more.
ALTER TABLE flux_console_failures ADD COLUMN IF NOT EXISTS signature TEXT;
ALTER TABLE flux_console_failures ADD COLUMN IF NOT EXISTS queue TEXT;
ALTER TABLE flux_console_failures ADD COLUMN IF NOT EXISTS hour BIGINT;
CREATE INDEX IF NOT EXISTS flux_console_failures_row ON flux_console_failures (row_id);
-- What was counted before is counted anew, from the rows that are there, in the hour in which each was archived.
UPDATE flux_console_failures
  SET signature = r.signature, queue = substr(a.queue, 1, 191), hour = CAST(FLOOR(EXTRACT(EPOCH FROM a.archived_at) / 3600) AS BIGINT)
  FROM flux_job_archive a JOIN flux_console_rows r ON r.row_id = a.id JOIN flux_console_signatures s ON s.signature = r.signature
  WHERE a.id = flux_console_failures.row_id;
DELETE FROM flux_console_signature_hours;
INSERT INTO flux_console_signature_hours (signature, queue, hour, count)
  SELECT signature, queue, hour, COUNT(*) FROM flux_console_failures WHERE signature IS NOT NULL GROUP BY signature, queue, hour;
UPDATE flux_console_signatures SET count = COALESCE(
  (SELECT SUM(h.count) FROM flux_console_signature_hours h WHERE h.signature = flux_console_signatures.signature), 0
);
DELETE FROM flux_console_signatures WHERE count = 0;
