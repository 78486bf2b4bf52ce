-- The words of a row are written with the shelf on which it stands (src/server/archive/shelf.rs), so the index is made anew, from the
-- rows that are there. Until it has caught up, a search looks at the rows themselves. What was counted stays counted.
DROP TABLE flux_console_search;
CREATE VIRTUAL TABLE flux_console_search USING fts5 (words, content = '', contentless_delete = 1, detail = none);
DELETE FROM flux_console_marks WHERE name = 'index';
