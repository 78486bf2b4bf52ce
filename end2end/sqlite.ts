// Another program that writes into the archive: the command line of SQLite.
import { execFileSync } from 'node:child_process'

export const text = (value: string | null | undefined) => (value == null ? 'NULL' : `'${value.replaceAll("'", "''")}'`)

/** Runs the statements in one transaction; waits while the console writes. */
export function write(file: string, statements: string[]) {
  const input = ['.bail on', 'BEGIN;', ...statements.map((statement) => `${statement};`), 'COMMIT;'].join('\n')
  // Without -batch it would want a terminal's init file; a table that is not there yet is an error.
  execFileSync('sqlite3', ['-batch', '-cmd', '.timeout 5000', file], { input, stdio: ['pipe', 'ignore', 'pipe'] })
}
