-- What the console read in a row, so that it can be asked for: one row for each archive row that was indexed.
CREATE TABLE IF NOT EXISTS flux_console_rows (
  row_id BIGINT PRIMARY KEY,
  class TEXT,
  group_id TEXT,
  signature TEXT
);
CREATE INDEX IF NOT EXISTS flux_console_rows_class ON flux_console_rows (class, row_id);
CREATE INDEX IF NOT EXISTS flux_console_rows_group ON flux_console_rows (group_id, row_id);
CREATE INDEX IF NOT EXISTS flux_console_rows_signature ON flux_console_rows (signature, row_id);
-- The words of a row, joined by spaces; the configuration `simple` leaves them as they are.
CREATE TABLE IF NOT EXISTS flux_console_search (
  row_id BIGINT PRIMARY KEY,
  words TSVECTOR NOT NULL
);
CREATE INDEX IF NOT EXISTS flux_console_search_words ON flux_console_search USING GIN (words);
-- Each failure once, whoever wrote it and however often: a hash of job, creation and attempt.
CREATE TABLE IF NOT EXISTS flux_console_failures (
  identity TEXT PRIMARY KEY,
  row_id BIGINT
);
-- Failures of one kind, and when they came.
CREATE TABLE IF NOT EXISTS flux_console_signatures (
  signature TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  class TEXT,
  count BIGINT NOT NULL,
  first_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL,
  last_row BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS flux_console_signatures_last ON flux_console_signatures (last_ms);
CREATE TABLE IF NOT EXISTS flux_console_signature_hours (
  signature TEXT NOT NULL,
  queue TEXT NOT NULL,
  hour BIGINT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (signature, queue, hour)
);
CREATE INDEX IF NOT EXISTS flux_console_signature_hours_hour ON flux_console_signature_hours (hour);
-- Runs of jobs as the event channel told them; `identity` makes a second writing of the same run harmless.
CREATE TABLE IF NOT EXISTS flux_console_attempts (
  id BIGSERIAL PRIMARY KEY,
  identity TEXT NOT NULL UNIQUE,
  job_id TEXT NOT NULL,
  queue TEXT,
  worker TEXT NOT NULL,
  class TEXT,
  attempt BIGINT,
  started_ms BIGINT NOT NULL,
  ended_ms BIGINT NOT NULL,
  wait_ms BIGINT,
  outcome TEXT NOT NULL,
  error TEXT
);
CREATE INDEX IF NOT EXISTS flux_console_attempts_job ON flux_console_attempts (job_id, id);
CREATE INDEX IF NOT EXISTS flux_console_attempts_ended ON flux_console_attempts (ended_ms);
-- Values that do not fit a column of the library's, whole.
CREATE TABLE IF NOT EXISTS flux_console_whole (
  row_id BIGINT PRIMARY KEY,
  job_id TEXT,
  queue TEXT,
  payload BYTEA,
  error TEXT
);
-- Dead letters that were dropped from Redis before they could be copied; `up_to` NULL: nobody knows how many.
CREATE TABLE IF NOT EXISTS flux_console_gaps (
  id BIGSERIAL PRIMARY KEY,
  queue TEXT NOT NULL,
  from_ms BIGINT,
  until_ms BIGINT NOT NULL,
  up_to BIGINT
);
CREATE TABLE IF NOT EXISTS flux_console_audit (
  id BIGSERIAL PRIMARY KEY,
  at_ms BIGINT NOT NULL,
  who TEXT NOT NULL,
  verb TEXT NOT NULL,
  queue TEXT,
  filter TEXT,
  jobs BIGINT,
  result TEXT NOT NULL,
  took_ms BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS flux_console_operations (
  id TEXT PRIMARY KEY,
  started_ms BIGINT NOT NULL,
  operation TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS flux_console_operations_started ON flux_console_operations (started_ms);
-- Where background work goes on: how far rows are indexed, the last log line written.
CREATE TABLE IF NOT EXISTS flux_console_marks (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
