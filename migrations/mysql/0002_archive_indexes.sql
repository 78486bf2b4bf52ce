-- What the console asks for besides: all rows of a job, and pages of one state (newest last, by id).
-- MySQL has no CREATE INDEX IF NOT EXISTS, and this must be fit to run twice.
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_job_archive' AND index_name = 'flux_console_archive_job');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_archive_job ON flux_job_archive (job_id, queue, id)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_job_archive' AND index_name = 'flux_console_archive_status');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_archive_status ON flux_job_archive (status, id)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_job_archive' AND index_name = 'flux_console_archive_queue');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_archive_queue ON flux_job_archive (queue, id)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_job_archive' AND index_name = 'flux_console_archive_queue_status');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_archive_queue_status ON flux_job_archive (queue, status, id)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
