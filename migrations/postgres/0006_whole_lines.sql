-- Of a line of the log, what a column of the library's does not hold, whole.
CREATE TABLE IF NOT EXISTS flux_console_whole_lines (
  row_id BIGINT PRIMARY KEY,
  message TEXT,
  worker TEXT,
  queue TEXT
);
