-- Where the inbox counts a failure: kind, queue and hour. Its row goes by another time than the one at which it failed, and takes
-- its count along. NULL: it is not counted, or not any more. Fit to run twice.
SET @there = (SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'flux_console_failures' AND column_name = 'signature');
SET @make = IF(@there = 0, 'ALTER TABLE flux_console_failures ADD COLUMN signature CHAR(40) CHARACTER SET ascii', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'flux_console_failures' AND column_name = 'queue');
SET @make = IF(@there = 0, 'ALTER TABLE flux_console_failures ADD COLUMN queue VARCHAR(191)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'flux_console_failures' AND column_name = 'hour');
SET @make = IF(@there = 0, 'ALTER TABLE flux_console_failures ADD COLUMN hour BIGINT', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_console_failures' AND index_name = 'flux_console_failures_row');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_failures_row ON flux_console_failures (row_id)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
-- What was counted before is counted anew, from the rows that are there, in the hour in which each was archived.
UPDATE flux_console_failures f
  JOIN flux_job_archive a ON a.id = f.row_id
  JOIN flux_console_rows r ON r.row_id = a.id
  JOIN flux_console_signatures s ON s.signature = r.signature
  SET f.signature = r.signature, f.queue = LEFT(a.queue, 191), f.hour = UNIX_TIMESTAMP(a.archived_at) DIV 3600;
DELETE FROM flux_console_signature_hours;
INSERT INTO flux_console_signature_hours (signature, queue, hour, count)
  SELECT signature, queue, hour, COUNT(*) FROM flux_console_failures WHERE signature IS NOT NULL GROUP BY signature, queue, hour;
UPDATE flux_console_signatures s SET s.count = COALESCE(
  (SELECT SUM(h.count) FROM flux_console_signature_hours h WHERE h.signature = s.signature), 0
);
DELETE FROM flux_console_signatures WHERE count = 0;
