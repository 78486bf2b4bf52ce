-- An audit line that waited in Redis is moved here: its identity makes a second moving harmless. Fit to run twice.
SET @there = (SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'flux_console_audit' AND column_name = 'identity');
SET @make = IF(@there = 0, 'ALTER TABLE flux_console_audit ADD COLUMN identity CHAR(40) CHARACTER SET ascii', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_console_audit' AND index_name = 'flux_console_audit_identity');
SET @make = IF(@there = 0, 'CREATE UNIQUE INDEX flux_console_audit_identity ON flux_console_audit (identity)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_console_audit' AND index_name = 'flux_console_audit_at');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_audit_at ON flux_console_audit (at_ms, id)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
-- When retention deleted the row of a failure. Its identity stays until the failure has left Redis, or it would be copied again.
SET @there = (SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'flux_console_failures' AND column_name = 'gone_ms');
SET @make = IF(@there = 0, 'ALTER TABLE flux_console_failures ADD COLUMN gone_ms BIGINT', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
SET @there = (SELECT COUNT(*) FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = 'flux_console_failures' AND index_name = 'flux_console_failures_gone');
SET @make = IF(@there = 0, 'CREATE INDEX flux_console_failures_gone ON flux_console_failures (gone_ms)', 'DO 0');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
