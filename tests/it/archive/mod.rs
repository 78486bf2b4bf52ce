//! The archive on the three databases: what is adopted, what is written, what is found.

mod adopted;
mod adopting;
mod archiver;
mod banner;
mod by_default;
mod completions;
mod denied;
mod elsewhere;
mod full;
mod handover;
mod in_doubt;
mod plans;
mod record;
mod refused;
mod search;
mod shelves;
mod slow;
mod told;
mod unheard;

use crate::support::{Database, DatabaseKind};
use flux_console::server::{actions::now, archive::Archive};

/// The same test on SQLite, MariaDB and PostgreSQL.
macro_rules! on_each {
    ($($name:ident)*) => {
        mod sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::support::DatabaseKind::Sqlite).await; })* }
        mod mariadb { $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::support::DatabaseKind::MariaDb).await; })* }
        mod postgres { $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(crate::support::DatabaseKind::Postgres).await; })* }
    };
}
pub(crate) use on_each;

/// An open archive in a fresh database.
pub async fn fresh(kind: DatabaseKind) -> (Database, Archive) {
    let database = Database::new(kind).await;
    let archive = open(&database).await;
    (database, archive)
}

pub async fn open(database: &Database) -> Archive {
    let archive = Archive::new(database.setting.clone(), now());
    assert!(archive.open(now()).await, "{:?}", archive.status().problem);
    archive
}
