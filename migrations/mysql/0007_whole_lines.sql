-- Of a line of the log, what a column of the library's does not hold, whole. Fit to run twice.
CREATE TABLE IF NOT EXISTS flux_console_whole_lines (
  row_id BIGINT PRIMARY KEY,
  message LONGTEXT,
  worker LONGTEXT,
  queue LONGTEXT
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
