-- What the console read in a row, so that it can be asked for: one row for each archive row that was indexed.
CREATE TABLE IF NOT EXISTS flux_console_rows (
  row_id INTEGER PRIMARY KEY,
  class TEXT,
  group_id TEXT,
  signature TEXT
);
CREATE INDEX IF NOT EXISTS flux_console_rows_class ON flux_console_rows (class, row_id);
CREATE INDEX IF NOT EXISTS flux_console_rows_group ON flux_console_rows (group_id, row_id);
CREATE INDEX IF NOT EXISTS flux_console_rows_signature ON flux_console_rows (signature, row_id);
-- The words of a row. Contentless: the text itself stays where it is.
CREATE VIRTUAL TABLE IF NOT EXISTS flux_console_search USING fts5 (words, content = '', contentless_delete = 1, detail = none);
-- Each failure once, whoever wrote it and however often: a hash of job, creation and attempt.
CREATE TABLE IF NOT EXISTS flux_console_failures (
  identity TEXT PRIMARY KEY,
  row_id INTEGER
) WITHOUT ROWID;
-- Failures of one kind, and when they came.
CREATE TABLE IF NOT EXISTS flux_console_signatures (
  signature TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  class TEXT,
  count INTEGER NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  last_row INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS flux_console_signatures_last ON flux_console_signatures (last_ms);
CREATE TABLE IF NOT EXISTS flux_console_signature_hours (
  signature TEXT NOT NULL,
  queue TEXT NOT NULL,
  hour INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (signature, queue, hour)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS flux_console_signature_hours_hour ON flux_console_signature_hours (hour);
-- Runs of jobs as the event channel told them; `identity` makes a second writing of the same run harmless.
CREATE TABLE IF NOT EXISTS flux_console_attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity TEXT NOT NULL UNIQUE,
  job_id TEXT NOT NULL,
  queue TEXT,
  worker TEXT NOT NULL,
  class TEXT,
  attempt INTEGER,
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  wait_ms INTEGER,
  outcome TEXT NOT NULL,
  error TEXT
);
CREATE INDEX IF NOT EXISTS flux_console_attempts_job ON flux_console_attempts (job_id, id);
CREATE INDEX IF NOT EXISTS flux_console_attempts_ended ON flux_console_attempts (ended_ms);
-- Values that do not fit a column of the library's, whole.
CREATE TABLE IF NOT EXISTS flux_console_whole (
  row_id INTEGER PRIMARY KEY,
  job_id TEXT,
  queue TEXT,
  payload BLOB,
  error TEXT
);
-- Dead letters that were dropped from Redis before they could be copied; `up_to` NULL: nobody knows how many.
CREATE TABLE IF NOT EXISTS flux_console_gaps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  queue TEXT NOT NULL,
  from_ms INTEGER,
  until_ms INTEGER NOT NULL,
  up_to INTEGER
);
CREATE TABLE IF NOT EXISTS flux_console_audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  verb TEXT NOT NULL,
  queue TEXT,
  filter TEXT,
  jobs INTEGER,
  result TEXT NOT NULL,
  took_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS flux_console_operations (
  id TEXT PRIMARY KEY,
  started_ms INTEGER NOT NULL,
  operation TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS flux_console_operations_started ON flux_console_operations (started_ms);
-- Where background work goes on: how far rows are indexed, the last log line written.
CREATE TABLE IF NOT EXISTS flux_console_marks (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
