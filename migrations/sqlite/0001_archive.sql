-- The library's two tables, exactly as it makes them; tables that are there stay as they are.
CREATE TABLE IF NOT EXISTS "flux_job_archive" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  "job_id" TEXT NOT NULL,
  "queue" TEXT NOT NULL,
  "status" TEXT NOT NULL,
  "payload" TEXT NOT NULL,
  "error" TEXT NULL,
  "created_at" TEXT NULL,
  "archived_at" TEXT NULL
);
CREATE TABLE IF NOT EXISTS "flux_system_logs" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  "level" TEXT NOT NULL,
  "message" TEXT NOT NULL,
  "worker_id" TEXT NOT NULL,
  "queue" TEXT NULL,
  "timestamp" TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS "flux_job_archive_queue_archived_at_index" ON "flux_job_archive" ("queue", "archived_at");
CREATE INDEX IF NOT EXISTS "flux_job_archive_archived_at_index" ON "flux_job_archive" ("archived_at");
CREATE INDEX IF NOT EXISTS "flux_system_logs_worker_id_index" ON "flux_system_logs" ("worker_id");
CREATE INDEX IF NOT EXISTS "flux_system_logs_queue_index" ON "flux_system_logs" ("queue");
CREATE INDEX IF NOT EXISTS "flux_system_logs_level_index" ON "flux_system_logs" ("level");
CREATE INDEX IF NOT EXISTS "flux_system_logs_timestamp_index" ON "flux_system_logs" ("timestamp");
-- What the console asks for besides: all rows of a job, and pages of one state (newest last, by id).
CREATE INDEX IF NOT EXISTS "flux_console_archive_job" ON "flux_job_archive" ("job_id", "queue", "id");
CREATE INDEX IF NOT EXISTS "flux_console_archive_status" ON "flux_job_archive" ("status", "id");
CREATE INDEX IF NOT EXISTS "flux_console_archive_queue" ON "flux_job_archive" ("queue", "id");
CREATE INDEX IF NOT EXISTS "flux_console_archive_queue_status" ON "flux_job_archive" ("queue", "status", "id");
