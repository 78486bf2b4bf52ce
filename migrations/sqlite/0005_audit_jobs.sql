-- The jobs to which an action on several was done, and the `identity` of its audit line.
CREATE TABLE IF NOT EXISTS flux_console_audit_jobs (
  job_id TEXT NOT NULL,
  identity TEXT NOT NULL,
  PRIMARY KEY (job_id, identity)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS flux_console_audit_jobs_identity ON flux_console_audit_jobs (identity);
-- What a job's page asks for: lines that name the job, and actions on many jobs of its queue.
CREATE INDEX IF NOT EXISTS flux_console_audit_filter ON flux_console_audit (filter, at_ms);
CREATE INDEX IF NOT EXISTS flux_console_audit_queue ON flux_console_audit (queue, verb, at_ms);
