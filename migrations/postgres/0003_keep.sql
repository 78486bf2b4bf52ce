-- An audit line that waited in Redis is moved here: its identity makes a second moving harmless.
ALTER TABLE flux_console_audit ADD COLUMN IF NOT EXISTS identity TEXT;
CREATE UNIQUE INDEX IF NOT EXISTS flux_console_audit_identity ON flux_console_audit (identity);
CREATE INDEX IF NOT EXISTS flux_console_audit_at ON flux_console_audit (at_ms, id);
-- When retention deleted the row of a failure. Its identity stays until the failure has left Redis, or it would be copied again.
ALTER TABLE flux_console_failures ADD COLUMN IF NOT EXISTS gone_ms BIGINT;
CREATE INDEX IF NOT EXISTS flux_console_failures_gone ON flux_console_failures (gone_ms) WHERE gone_ms IS NOT NULL;
-- Pages of the log by id. The other databases have the id in every index.
CREATE INDEX IF NOT EXISTS flux_console_logs_worker ON flux_system_logs (worker_id, id);
CREATE INDEX IF NOT EXISTS flux_console_logs_queue ON flux_system_logs (queue, id);
CREATE INDEX IF NOT EXISTS flux_console_logs_level ON flux_system_logs (level, id);
