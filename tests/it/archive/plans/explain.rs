//! Statements as the archive sends them, and how the databases would answer.

use flux_console::server::archive::{
    db::{Db, SENT},
    sql::{Row, Sql, Value, sql},
};
use std::sync::Arc;

/// What is sent meanwhile.
pub async fn sent(ask: impl Future<Output = ()>) -> Vec<Sql> {
    let noted = async {
        ask.await;
        SENT.with(|sent| std::mem::take(&mut *sent.lock().expect("no panic")))
    };
    SENT.scope(Arc::default(), noted).await
}

/// A line of a plan, and the table at which it looks as a whole.
pub struct Step {
    pub text: String,
    pub whole: Option<String>,
}

pub async fn plan(db: &Db, sent: &Sql) -> Vec<Step> {
    let explain = |word: &str| Sql { text: format!("{word} {}", sent.text), values: sent.values.clone() };
    match db {
        Db::Sqlite { .. } => {
            let lines = db.rows(explain("EXPLAIN QUERY PLAN"), |row| row.text(3).unwrap_or_default()).await.expect("a plan");
            lines.into_iter().map(|text| Step { whole: scanned(&text).map(|name| table(sent, name)), text }).collect()
        }
        Db::MySql { pool, .. } => {
            let text = format!("EXPLAIN {}", inlined(sent));
            let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(text)).fetch_all(pool).await.expect("a plan");
            let step = |row: &Row<'_>| {
                let [name, way, possible, key] = [2, 3, 4, 5].map(|at| row.text(at));
                // Of a small table it may take all all the same: what counts is that there is a way that leads.
                let whole = way.as_deref() == Some("ALL") && possible.is_none() && key.is_none();
                let name = name.unwrap_or_default();
                Step { text: format!("{name} {way:?} {possible:?} {key:?}"), whole: whole.then(|| table(sent, &name)) }
            };
            rows.iter().map(|row| step(&Row::MySql(row))).collect()
        }
        Db::Postgres { .. } => {
            let mut tx = db.begin().await.expect("begins");
            // Of a small table it would rather read all: that is made dear, so it does only where nothing leads.
            for way in ["enable_seqscan", "enable_bitmapscan", "enable_sort"] {
                tx.run(sql(format!("SET LOCAL {way} = off"))).await.expect("set");
            }
            let lines = tx.rows(explain("EXPLAIN"), |row| row.text(0).unwrap_or_default()).await.expect("a plan");
            let whole = |line: &str| Some(line.split_once("Seq Scan on ")?.1.split(' ').next()?.to_owned());
            lines.into_iter().map(|text| Step { whole: whole(&text), text }).collect()
        }
    }
}

/// The name of what SQLite goes over from end to end, be it in an index. Of a virtual table the index says what it was asked for.
fn scanned(line: &str) -> Option<&str> {
    let name = line.strip_prefix("SCAN ")?.split(' ').next()?;
    let asked = line.contains("VIRTUAL TABLE INDEX") && !line.ends_with(':');
    (!asked).then_some(name)
}

/// The table that a plan names as the statement does.
fn table(sent: &Sql, name: &str) -> String {
    let words: Vec<&str> = sent.text.split([' ', ',', '(', ')']).filter(|word| !word.is_empty()).collect();
    let named = words.windows(2).find(|pair| pair[0].starts_with("flux_") && pair[1] == name);
    named.map_or(name, |pair| pair[0]).to_owned()
}

/// With the values in it: MariaDB explains what it is sent as text.
fn inlined(sent: &Sql) -> String {
    let mut values = sent.values.iter();
    let mut text = String::new();
    for c in sent.text.chars() {
        match if c == '?' { values.next() } else { None } {
            None => text.push(c),
            Some(Value::Int(Some(n))) => text.push_str(&n.to_string()),
            Some(Value::Text(Some(value))) => text.push_str(&format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))),
            Some(Value::Int(None) | Value::Text(None) | Value::Bytes(_)) => text.push_str("NULL"),
        }
    }
    text
}
