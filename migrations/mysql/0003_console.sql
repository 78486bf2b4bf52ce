-- What the console read in a row, so that it can be asked for: one row for each archive row that was indexed.
CREATE TABLE IF NOT EXISTS flux_console_rows (
  row_id BIGINT PRIMARY KEY,
  class VARCHAR(191),
  group_id VARCHAR(191),
  signature CHAR(40) CHARACTER SET ascii,
  KEY flux_console_rows_class (class, row_id),
  KEY flux_console_rows_group (group_id, row_id),
  KEY flux_console_rows_signature (signature, row_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- The words of a row, each with `xx` before it: so none is too short for the index, and none a stop word.
CREATE TABLE IF NOT EXISTS flux_console_search (
  row_id BIGINT PRIMARY KEY,
  words LONGTEXT NOT NULL,
  FULLTEXT KEY flux_console_search_words (words)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Each failure once, whoever wrote it and however often: a hash of job, creation and attempt.
CREATE TABLE IF NOT EXISTS flux_console_failures (
  identity CHAR(40) CHARACTER SET ascii PRIMARY KEY,
  row_id BIGINT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Failures of one kind, and when they came.
CREATE TABLE IF NOT EXISTS flux_console_signatures (
  signature CHAR(40) CHARACTER SET ascii PRIMARY KEY,
  text TEXT NOT NULL,
  class VARCHAR(191),
  count BIGINT NOT NULL,
  first_ms BIGINT NOT NULL,
  last_ms BIGINT NOT NULL,
  last_row BIGINT NOT NULL,
  KEY flux_console_signatures_last (last_ms)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS flux_console_signature_hours (
  signature CHAR(40) CHARACTER SET ascii NOT NULL,
  queue VARCHAR(191) NOT NULL,
  hour BIGINT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (signature, queue, hour),
  KEY flux_console_signature_hours_hour (hour)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Runs of jobs as the event channel told them; `identity` makes a second writing of the same run harmless.
CREATE TABLE IF NOT EXISTS flux_console_attempts (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  identity CHAR(40) CHARACTER SET ascii NOT NULL UNIQUE,
  job_id VARCHAR(191) NOT NULL,
  queue TEXT,
  worker TEXT NOT NULL,
  class VARCHAR(191),
  attempt BIGINT,
  started_ms BIGINT NOT NULL,
  ended_ms BIGINT NOT NULL,
  wait_ms BIGINT,
  outcome TEXT NOT NULL,
  error TEXT,
  KEY flux_console_attempts_job (job_id, id),
  KEY flux_console_attempts_ended (ended_ms)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Values that do not fit a column of the library's, whole.
CREATE TABLE IF NOT EXISTS flux_console_whole (
  row_id BIGINT PRIMARY KEY,
  job_id LONGTEXT,
  queue LONGTEXT,
  payload LONGBLOB,
  error LONGTEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Dead letters that were dropped from Redis before they could be copied; `up_to` NULL: nobody knows how many.
CREATE TABLE IF NOT EXISTS flux_console_gaps (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  queue TEXT NOT NULL,
  from_ms BIGINT,
  until_ms BIGINT NOT NULL,
  up_to BIGINT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS flux_console_audit (
  id BIGINT PRIMARY KEY AUTO_INCREMENT,
  at_ms BIGINT NOT NULL,
  who TEXT NOT NULL,
  verb TEXT NOT NULL,
  queue TEXT,
  filter TEXT,
  jobs BIGINT,
  result TEXT NOT NULL,
  took_ms BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS flux_console_operations (
  id VARCHAR(64) PRIMARY KEY,
  started_ms BIGINT NOT NULL,
  operation LONGTEXT NOT NULL,
  KEY flux_console_operations_started (started_ms)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
-- Where background work goes on: how far rows are indexed, the last log line written.
CREATE TABLE IF NOT EXISTS flux_console_marks (
  name VARCHAR(64) PRIMARY KEY,
  value TEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
