//! The tables of each database, from `migrations/`. Compiled in without `sqlx::migrate!`: its macro would compile every driver,
//! and SQLite, a second time, for the compiler.

use super::dialect::Dialect;
use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// An application may keep migrations of its own in the same database.
pub const TABLE: &str = "flux_console_migrations";

/// `{version}_{description}.sql`, as sqlx names them.
type File = (i64, &'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($version:literal $name:literal)*) => {
        &[$(($version, $name, include_str!(concat!("../../../migrations/", $folder, "/", "000", $version, "_", $name, ".sql")))),*]
    };
}

const SQLITE: &[File] = files!("sqlite": 1 "archive" 2 "console" 3 "keep" 4 "counted" 5 "audit_jobs" 6 "shelves" 7 "whole_lines" 8 "words");
const MYSQL: &[File] = files!("mysql": 1 "archive" 2 "archive_indexes" 3 "console" 4 "keep" 5 "counted" 6 "audit_jobs" 7 "whole_lines");
const POSTGRES: &[File] = files!("postgres": 1 "archive" 2 "console" 3 "keep" 4 "counted" 5 "audit_jobs" 6 "whole_lines");

pub fn migrator(dialect: Dialect) -> Migrator {
    let files = match dialect {
        Dialect::Sqlite => SQLITE,
        Dialect::MySql => MYSQL,
        Dialect::Postgres => POSTGRES,
    };
    let migration = |(version, name, text): &File| {
        Migration::new(*version, name.replace('_', " ").into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(files.iter().map(migration).collect());
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

/// The statements of SQLite's first migration, one by one. None of them changes what is there, so each may run before the migration
/// does, and again.
pub fn first_of_sqlite() -> impl Iterator<Item = &'static str> {
    SQLITE.iter().take(1).flat_map(|(_, _, text)| text.split(";\n")).filter(|statement| !statement.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_statements_can_be_repeated() {
        let all: Vec<&str> = first_of_sqlite().collect();
        assert_eq!(all.len(), 12);
        assert!(all.iter().all(|one| one.matches("CREATE ").count() == 1 && one.contains(" IF NOT EXISTS ")), "{all:#?}");
    }

    /// A file that is not named above would be left out without a word.
    #[test]
    fn every_file_is_compiled_in() {
        for (folder, files) in [("sqlite", SQLITE), ("mysql", MYSQL), ("postgres", POSTGRES)] {
            let mut there: Vec<String> = std::fs::read_dir(format!("migrations/{folder}"))
                .expect("the folder")
                .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
                .collect();
            there.sort();
            assert_eq!(files.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql")).collect::<Vec<_>>(), there);
        }
    }
}
