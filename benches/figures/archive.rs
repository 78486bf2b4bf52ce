//! The archive with a million rows in SQLite: pages, jobs by id, search beside LIKE on the same rows. Asked through the same
//! functions as the pages, in this process: what HTTP adds is measured elsewhere.

use super::{
    beside,
    table::{Table, count, ms, ms_below},
};
use anyhow::{Context, Result, bail};
use flux_console::{
    model::{archive::Status, ids::QueueName, query::ArchiveQuery, search::Query, time::Millis},
    server::archive::{
        Archive,
        db::Db,
        index, jobs, search,
        setting::Setting,
        sql::{Sql, Value, sql},
        totals::Totals,
    },
};
use std::time::{Duration, Instant};

const AT: i64 = 1_795_433_700_000;
const ROUNDS: usize = 25;
const PER_PAGE: u64 = 50;
/// More than a third of all rows are of this queue, so that it has deep pages as well.
const LARGE: &str = "mail-1";
const WORDS: [&str; 12] =
    ["gateway", "timeout", "declined", "invoice", "customer", "retry", "socket", "quota", "template", "missing", "stale", "refund"];

pub async fn measure(quick: bool) -> Result<()> {
    let rows: u64 = if quick { 20_000 } else { 1_000_000 };
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("archive.sqlite");
    let archive = Archive::new(Setting::Sqlite(file.clone()), Millis(AT));
    if !archive.open(Millis(AT)).await {
        bail!("the archive does not open: {:?}", archive.status().problem);
    }
    let db = archive.db().context("no archive")?;
    eprintln!("archive: writing {rows} rows");
    fill(&db, rows).await?;
    eprintln!("archive: indexing them");
    let since = Instant::now();
    while index::step(&db).await? > 0 {}
    let took = since.elapsed();
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate to show")]
    let pace = (rows as f64 / took.as_secs_f64()) as u64;

    let mut table = Table::new(
        format!("Archive: {} rows in SQLite, {} rows indexed a second", count(rows), count(pace)),
        &["question", "p50", "longest", "LIKE on the same rows"],
    );
    let deep = rows / PER_PAGE / 4;
    let pages = [
        ("first page, all queues", None, None, 1),
        ("first page of a queue", Some("mail-3"), None, 1),
        ("failed jobs of a queue", Some("mail-3"), Some(Status::Failed), 1),
        ("deep page, all queues", None, None, deep),
        ("deep page of a queue", Some(LARGE), None, deep),
    ];
    for (what, queue, status, page) in pages {
        table.row(paged(&db, archive.totals(), what, ArchiveQuery { queue: named(queue), status, page, per_page: PER_PAGE }).await?);
    }
    let one = format!("job-{}", rows / 2);
    let queue = queue_of(rows / 2).as_str().try_into().expect("a name");
    let times = timed(async || jobs::of_job(&db, &queue, &one).await.map(|(found, _)| assert_eq!(found.len(), 1))).await?;
    table.row(line("a job by its id", &times, Duration::from_millis(5), String::new()));
    for (what, text, hits) in [
        ("a rare word", "needle777".to_owned(), Some(rows.div_ceil(100_000) as usize)),
        ("a missing word", "nowheretobefound".into(), Some(0)),
        ("two words", "gateway needle777".into(), None),
        ("a frequent word, first step", "declined".into(), None),
        ("an id as text", one.clone(), Some(1)),
    ] {
        let query = Query::parse(&text, Millis(AT));
        let times = timed(async || {
            search::search(&archive, &query, None).await.map(|step| {
                if let Some(hits) = hits {
                    assert_eq!(step.hits.len(), hits, "{text}");
                }
            })
        })
        .await?;
        let like = if text.contains(' ') { String::new() } else { ms(like(&db, &text).await?) };
        table.row(line(what, &times, Duration::from_millis(10), like));
    }
    // Of rows without a gap the place of a page is computed: here a newer one is missing, so rows are stepped over.
    db.run(sql("DELETE FROM flux_job_archive WHERE id = ?").bind((rows - rows / 10).cast_signed())).await?;
    let query = ArchiveQuery { queue: None, status: None, page: deep, per_page: PER_PAGE };
    table.row(paged(&db, &Totals::default(), "deep page, all queues, over a gap", query).await?);
    table.print();
    drop(db);
    drop(archive);
    beside::measure(&file, rows, quick).await
}

fn named(queue: Option<&str>) -> Option<QueueName> {
    queue.map(|queue| queue.try_into().expect("a name"))
}

async fn paged(db: &Db, totals: &Totals, what: &str, query: ArchiveQuery) -> Result<Vec<String>> {
    let what = if query.page > 1 { format!("{what} (page {})", count(query.page)) } else { what.into() };
    let times = timed(async || jobs::page(db, totals, &query).await.map(|(page, _)| assert!(!page.is_empty(), "a page is empty"))).await?;
    Ok(line(&what, &times, Duration::from_millis(25), String::new()))
}

fn line(what: &str, times: &[Duration], limit: Duration, like: String) -> Vec<String> {
    vec![what.into(), ms_below(times[times.len() / 2], limit), ms(times[times.len() - 1]), like]
}

async fn timed<E: std::error::Error + Send + Sync + 'static>(mut ask: impl AsyncFnMut() -> Result<(), E>) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    ask().await?;
    for _ in 0..ROUNDS {
        let since = Instant::now();
        ask().await?;
        times.push(since.elapsed());
    }
    times.sort();
    Ok(times)
}

/// What the same question costs without an index, once: the newest fifty.
async fn like(db: &Db, text: &str) -> Result<Duration> {
    let since = Instant::now();
    let asked = sql("SELECT id FROM flux_job_archive WHERE payload LIKE ? OR error LIKE ? ORDER BY id DESC LIMIT 50")
        .bind(format!("%{text}%"))
        .bind(format!("%{text}%"));
    // A page would have given up before; then that is the figure.
    let _ = db.rows(asked, |row| row.int(0)).await;
    Ok(since.elapsed())
}

fn queue_of(row: u64) -> String {
    if row % 3 == 1 { LARGE.into() } else { format!("mail-{}", row % 20) }
}

/// Rows as the library writes them; every third one failed, one in a hundred thousand holds the rare word.
async fn fill(db: &Db, rows: u64) -> Result<()> {
    let marks = format!("(?, ?, ?, ?, ?, {at}, {at})", at = db.dialect().at());
    for from in (0..rows).step_by(2_000) {
        let mut tx = db.begin().await?;
        for part in (from..(from + 2_000).min(rows)).collect::<Vec<_>>().chunks(200) {
            let values = part.iter().map(|n| -> Vec<Value> {
                let word = |k: u64| WORDS[usize::try_from((n.wrapping_mul(2_654_435_761) >> (k * 5)) % 12).unwrap_or(0)];
                let queue = queue_of(*n);
                let rare = if n % 100_000 == 7 { "needle777" } else { "plain" };
                let payload = format!(
                    r#"{{"id":"job-{n}","type":"class","className":"Class{}","data":"{{\"class\":\"Class{}\",\"properties\":{{\"queueName\":\"{queue}\",\"orderId\":{n},\"note\":\"{} {} {} {rare}\",\"to\":\"customer{}@example.com\"}}}}","createdAt":{},"attempts":1}}"#,
                    n % 40, n % 40, word(0), word(1), word(2), n % 9_973, AT + n.cast_signed()
                );
                let failed = n % 3 == 0;
                let error = failed.then(|| format!("{}Error: order {n} was {} by {}", word(3), word(4), word(5)));
                vec![
                    format!("job-{n}").into(),
                    queue.into(),
                    if failed { "failed" } else { "completed" }.into(),
                    payload.into(),
                    error.into(),
                    (AT + n.cast_signed()).into(),
                    (AT + n.cast_signed()).into(),
                ]
            });
            tx.run(Sql::insert(
                "INSERT INTO flux_job_archive (job_id, queue, status, payload, error, created_at, archived_at)",
                &marks,
                values,
            ))
            .await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
