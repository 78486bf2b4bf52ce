-- The jobs to which an action on several was done, and the `identity` of its audit line. Fit to run twice.
CREATE TABLE IF NOT EXISTS flux_console_audit_jobs (
  job_id VARCHAR(191) NOT NULL,
  identity CHAR(40) CHARACTER SET ascii NOT NULL,
  PRIMARY KEY (job_id, identity),
  KEY flux_console_audit_jobs_identity (identity)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- What a job's page asks for: lines that name the job, and actions on many jobs of its queue.
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_console_audit' AND index_name = 'flux_console_audit_filter');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_audit_filter ON flux_console_audit (filter(100), at_ms)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_console_audit' AND index_name = 'flux_console_audit_queue');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_audit_queue ON flux_console_audit (queue(100), verb(20), at_ms)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
