//! Every statement that the console sends to read pages, to search and to delete what is old is led by an index, on each of the three
//! databases. What is explained are the statements themselves, with their values, as `db::SENT` notes them.

mod explain;

use super::{fresh, on_each, search::filled};
use crate::support::{DatabaseKind, pause_line};
use explain::{plan, sent};
use flux_console::{
    model::{
        archive::{Gap, Status},
        audit::AuditLine,
        errors::{ErrorSort, ErrorsQuery},
        query::ArchiveQuery,
        search::Query,
        time::Millis,
    },
    server::archive::{
        Archive, audit,
        db::Db,
        dialect::Dialect,
        gaps, index, jobs,
        record::{self, Line, Run},
        retention::{OLD, Old, Side, Table, any_gone, delete, forget, mark_orphans, next, sweep},
        search, signatures,
        sql::{Sql, sql},
        timeline,
    },
    server::digest::sha1_hex,
};
use std::collections::HashSet;

const AT: Millis = Millis(1_795_433_700_000);
const DAY_MS: i64 = 86_400_000;
/// The others have a row for a kind of error, an hour or a gap: those are few.
const BIG: [&str; 10] = [
    "flux_job_archive",
    "flux_system_logs",
    "flux_console_rows",
    "flux_console_search",
    "flux_console_words_0",
    "flux_console_whole",
    "flux_console_whole_lines",
    "flux_console_failures",
    "flux_console_attempts",
    "flux_console_audit",
];

on_each! { pages_are_led_by_indexes searches_are_led_by_indexes retention_is_led_by_indexes the_inbox_is_led_by_indexes }

/// All rows, asked for as such. Their count goes over an index, and is kept for a while (`totals`). A page begins with the newest row
/// and ends with itself; when a missing number hides where a far one is, the rows before it are stepped over.
fn asks_for_all(text: &str) -> bool {
    text.ends_with("flux_job_archive a WHERE 1 = 1") || text.contains("flux_job_archive a WHERE 1 = 1 ORDER BY a.id DESC LIMIT")
}

/// None of these goes over a big table; one of them is led by the first of `indexes`, in the other databases by any of them.
async fn led(db: &Db, what: &str, sent: Vec<Sql>, indexes: &[&str]) {
    let mut plans = String::new();
    // What is only written down is not looked for.
    let asked = sent.iter().filter(|sent| ["SELECT", "WITH", "DELETE", "UPDATE"].iter().any(|verb| sent.text.starts_with(verb)));
    for sent in asked {
        for step in plan(db, sent).await {
            let whole = step.whole.filter(|table| BIG.contains(&table.as_str()) && !asks_for_all(&sent.text));
            assert!(whole.is_none(), "{what}: goes over all of {whole:?}\n{}\n{}", sent.text, step.text);
            let pages = sent.text.contains("FROM flux_job_archive a") && sent.text.contains(" OFFSET ");
            assert!(!pages || !step.text.contains("TEMP B-TREE"), "{what}: sorts\n{}\n{}", sent.text, step.text);
            plans.push_str(&step.text);
            plans.push('\n');
        }
    }
    assert!(!plans.is_empty(), "{what}: nothing was asked");
    let fine = match (db.dialect(), indexes) {
        (Dialect::Sqlite, [first, ..]) => plans.contains(first),
        (_, []) => true,
        (_, any) => any.iter().any(|index| plans.contains(index)),
    };
    assert!(fine, "{what}: none of {indexes:?} leads\n{plans}");
}

async fn pages_are_led_by_indexes(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    filled(&archive).await;
    let db = archive.db().expect("open");
    let page = async |archive: &Archive, queue: Option<&str>, status: Option<Status>, page: u64| {
        let queue = queue.map(|name| name.try_into().expect("a name"));
        let query = ArchiveQuery { queue, status, page, per_page: 50 };
        let db = archive.db().expect("open");
        sent(async { drop(jobs::page(&db, archive.totals(), &query).await.expect("a page")) }).await
    };
    let queue = ["flux_console_archive_queue", "flux_job_archive_queue_"];
    let status = ["flux_console_archive_queue_status", "flux_console_archive_queue", "flux_job_archive_queue_"];
    led(&db, "first page of all queues", page(&archive, None, None, 1).await, &[]).await;
    led(&db, "a later page of all queues", page(&archive, None, None, 2).await, &["INTEGER PRIMARY KEY", "PRIMARY", "_pkey"]).await;
    led(&db, "page 5,000 of all queues", page(&archive, None, None, 5_000).await, &[]).await;
    led(&db, "first page of a queue", page(&archive, Some("mail"), None, 1).await, &queue).await;
    led(&db, "page 5,000 of a queue", page(&archive, Some("mail"), None, 5_000).await, &queue).await;
    led(&db, "failed jobs of a queue", page(&archive, Some("mail"), Some(Status::Failed), 1).await, &status).await;
    led(&db, "failed jobs", page(&archive, None, Some(Status::Failed), 1).await, &["flux_console_archive_status", "_status"]).await;
    let mail = "mail".try_into().expect("a name");
    let job = sent(async { drop(jobs::of_job(&db, &mail, "ORD-18").await.expect("rows")) }).await;
    led(&db, "a job by its id", job, &["flux_console_archive_job", "flux_job_archive_queue_job_id_index"]).await;
    let failed = sent(async { drop(record::failed_before(&db, &["ORD-1", "ORD-2", "ORD-3"]).await.expect("an answer")) }).await;
    led(&db, "jobs that failed before", failed, &["flux_console_archive_job", "flux_job_archive_queue_job_id_index"]).await;
    let row = sent(async {
        drop(jobs::payload(&db, 7).await.expect("a row"));
        drop(jobs::error(&db, 7).await.expect("a row"));
    });
    led(&db, "a row", row.await, &["INTEGER PRIMARY KEY", "PRIMARY", "_pkey"]).await;
    // A number is missing: the place of a far page is not known.
    db.run(sql("DELETE FROM flux_job_archive WHERE id = 9")).await.expect("deleted");
    led(&db, "page 5,000 over a gap", page(&archive, None, None, 5_000).await, &[]).await;
}

async fn searches_are_led_by_indexes(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    filled(&archive).await;
    let db = archive.db().expect("open");
    let words = ["VIRTUAL TABLE INDEX", "flux_console_search_words", "flux_console_search_pkey"];
    let rows = ["INTEGER PRIMARY KEY", "PRIMARY", "_pkey"];
    let cases: [(&str, &[&str]); 13] = [
        ("timeout", &words),
        ("timeout gateway queue:mail state:failed", &words),
        ("class:ChargeCard", &words),
        ("error:declined since:2026-01-01", &words),
        ("id:ORD-17", &["flux_console_archive_job", "_pkey"]),
        ("id:ORD-1…", &["flux_console_archive_job", "_pkey"]),
        ("group:customer-7", &["flux_console_rows_group"]),
        ("signature:\"PaymentTimeout: gateway did not answer within <n> ms\"", &["flux_console_rows_signature"]),
        ("queue:mail state:failed", &["flux_console_archive_queue_status", "flux_console_archive_queue", "flux_job_archive_", "_pkey"]),
        // A time alone, or what should not be there: rows are looked at by their numbers, from the newest on, a hundred of them a step.
        ("since:2026-01-01", &rows),
        ("until:2026-11-30", &rows),
        ("since:2026-01-01 until:2026-11-30", &rows),
        ("-timeout", &rows),
    ];
    for (text, indexes) in cases {
        let query = Query::parse(text, AT);
        let steps = sent(async {
            let mut cursor = None::<String>;
            // The first step and one that goes on.
            for _ in 0..2 {
                cursor = search::search(&archive, &query, cursor.as_deref()).await.expect("a step").next;
            }
        });
        led(&db, text, steps.await, indexes).await;
    }
}

/// Something old in every table.
async fn aged(db: &Db) {
    let mail = || "mail".try_into().expect("a name");
    let run = Run {
        job: "ORD-1".into(),
        queue: Some(mail()),
        worker: "w".into(),
        class: None,
        attempt: Some(1),
        started_at: AT,
        ended_at: AT,
        wait_ms: None,
        outcome: "dead",
        error: None,
    };
    record::runs(db, &[run]).await.expect("written");
    let line = Line { level: "info".into(), message: "one".into(), worker: "w".into(), queue: None, at: AT };
    record::Lines::default().write(db, &[line], false).await.expect("written");
    gaps::write(db, &Gap { queue: mail(), from: None, until: AT, up_to: Some(7) }).await.expect("written");
    audit::write(db, &[pause_line("a", AT)]).await.expect("written");
    let operation = sql("INSERT INTO flux_console_operations (id, started_ms, operation) VALUES ('o', ?, '{}')").bind(AT.0);
    db.run(operation).await.expect("written");
}

async fn retention_is_led_by_indexes(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    filled(&archive).await;
    let db = archive.db().expect("open");
    aged(&db).await;
    let (border, now) = (Millis(AT.0 + DAY_MS), Millis(AT.0 + 100 * DAY_MS));
    let of = async |table: &Table| {
        // Twice: SQLite goes on where the last batch ended.
        let mut place = None::<String>;
        for _ in 0..2 {
            let batch = next(&db, table, border, place.as_deref(), 100).await.expect("a batch");
            if !batch.is_empty() {
                delete(&db, table, &batch, now).await.expect("deleted");
            }
            place = batch.place.or(place);
        }
    };
    for table in &OLD {
        let (what, statements) = (table.what, sent(of(table)).await);
        let deletes = statements.iter().filter(|sent| sent.text.starts_with("DELETE")).count();
        assert!(deletes > 0, "{what}: nothing was deleted");
        let index: &[&str] = match table.old {
            Old::Jobs => &["flux_job_archive_archived_at_index"],
            Old::Attempts => &["flux_console_attempts_ended"],
            Old::Lines => &["flux_system_logs_timestamp_index"],
            Old::Audit => &["flux_console_audit_at"],
            Old::Operations => &["flux_console_operations_started"],
            // They are few.
            Old::Gaps => &[],
        };
        led(&db, what, statements, index).await;
    }
    let traces = sent(async {
        for side in [Side::Rows, Side::Whole, Side::Lines] {
            sweep(&db, side, 0, 100).await.expect("swept");
        }
        mark_orphans(&db, "", now, 100).await.expect("marked");
        let later = Millis(now.0 + 100 * DAY_MS);
        assert!(any_gone(&db, later).await.expect("an answer"));
        assert!(forget(&db, &HashSet::new(), later, 100).await.expect("forgotten").1 > 0);
    });
    led(&db, "what is left of rows", traces.await, &["flux_console_failures_gone"]).await;
}

async fn the_inbox_is_led_by_indexes(kind: DatabaseKind) {
    let (_database, archive) = fresh(kind).await;
    filled(&archive).await;
    let db = archive.db().expect("open");
    for sort in ErrorSort::ALL {
        for queue in [None, Some("mail".try_into().expect("a name"))] {
            let query = ErrorsQuery { q: "a".into(), queue, sort, page: 1 };
            let page = sent(async {
                let (kinds, _) = signatures::page(&db, &query, AT).await.expect("a page");
                let names: Vec<String> = kinds.into_iter().map(|kind| kind.signature).collect();
                assert!(!names.is_empty(), "no kind of error");
                drop(signatures::some(&db, &names, AT).await.expect("kinds"));
                drop(signatures::known(&db, &names).await.expect("kinds"));
                drop(signatures::rows(&db, &names[0], None).await.expect("rows"));
                let (places, _) = signatures::places(&db, &names[0], i64::MAX, 8).await.expect("places");
                assert!(!places.is_empty(), "no row of a kind");
                let mail = "mail".try_into().expect("a name");
                let (places, _) = signatures::places_of(&db, &names[0], &mail, i64::MAX, 8).await.expect("places");
                assert!(!places.is_empty() && places.iter().all(|place| place.queue == mail), "no row of a kind in the queue");
            });
            led(&db, "the inbox", page.await, &["flux_console_rows_signature"]).await;
        }
    }
    // A failure after which something was done to many jobs of its queue.
    let raw = crate::support::Payload::new("left", "mail").created(AT.0).attempts(3, 3).failed("No space left");
    let failure =
        record::Record { status: Status::Failed, queue: "mail".try_into().expect("a name"), id: None, payload: raw.into_bytes(), at: AT };
    record::records(&db, std::slice::from_ref(&failure)).await.expect("written");
    // So many failed later that Redis had dropped it by then, each with one row.
    let later = |n: i64| {
        let raw = crate::support::Payload::new(&format!("later-{n}"), "mail").created(AT.0 + 1 + n).attempts(3, 3).failed("Card declined");
        record::Record { payload: raw.into_bytes(), ..failure.clone() }
    };
    record::records(&db, &(0..1_000).map(later).collect::<Vec<_>>()).await.expect("written");
    while index::step(&db).await.expect("indexed") > 0 {}
    let line = AuditLine {
        verb: "retry".into(),
        queue: Some("mail".into()),
        filter: Some("all failed".into()),
        jobs: Some(1),
        result: "1 done".into(),
        ..pause_line("all", Millis(AT.0 + DAY_MS))
    };
    audit::write(&db, &[line]).await.expect("written");
    let (places, _) = signatures::places(&db, &sha1_hex("No space left"), i64::MAX, 8).await.expect("places");
    let judged = sent(async {
        let left = timeline::left(&db, &failure.queue, "left", places[0].row, &[], Millis(0), true).await.expect("an answer");
        assert!(left.is_some(), "it had been dropped before");
        let named = audit::all_named(&db, &["all"]).await.expect("an answer");
        assert!(named.is_empty(), "{named:?}");
    });
    let judged = judged.await;
    let behind: Vec<Sql> =
        judged.iter().filter(|sent| [" OFFSET ", "COUNT(DISTINCT"].iter().any(|word| sent.text.contains(word))).cloned().collect();
    assert_eq!(behind.len(), 3, "it was looked at what came behind it: {judged:#?}");
    assert!(behind[2].text.contains(" ORDER BY a.id LIMIT ?) b "), "no more rows are counted than may have to be: {}", behind[2].text);
    let status =
        ["flux_console_archive_queue_status", "flux_console_archive_queue", "flux_job_archive_queue_", "_status", "_pkey", "PRIMARY"];
    led(&db, "what came behind a failure", behind.clone(), &status).await;
    let alone: Vec<Sql> = judged.iter().filter(|sent| sent.text.contains("a.identity IS NULL")).cloned().collect();
    assert_eq!(alone.len(), 1, "it was asked whether an operation named it that left no line: {judged:#?}");
    led(&db, "a name without a line", alone, &["flux_console_audit_identity", "PRIMARY"]).await;
    led(&db, "what is left of a kind", judged, &[]).await;
    if db.dialect() == Dialect::Sqlite {
        // Also when it knows how many rows there are of each.
        db.run(sql("ANALYZE")).await.expect("analysed");
        led(&db, "what came behind a failure, analysed", behind, &status).await;
    }
}
