//! What operators did to the job by name.

use super::{MOST, deed_filter};
use crate::{
    model::{audit::UNSURE, ids::QueueName, time::Millis},
    server::archive::{
        db::Db,
        error::ArchiveError,
        record::key,
        sql::{Row, Sql, clean, sql},
    },
};

/// How the result begins of an operation that did not go through.
const UNDONE: [&str; 3] = ["cancelled: ", "failed: ", "interrupted: "];

/// What an operator did to the job.
pub struct Deed {
    pub at: Millis,
    pub who: String,
    pub verb: String,
    pub result: String,
    /// The line names it beside others.
    pub among: bool,
}

impl Deed {
    /// `Deleted by 127.0.0.1`; of what changed nothing, `Not deleted: 127.0.0.1 asked for it`; where nobody knows, `Perhaps deleted: …`.
    pub fn title(&self) -> String {
        let done = match self.verb.as_str() {
            "retry" | "retry-archived" => "Retried",
            "promote" => "Moved to waiting",
            "discard" => "Deleted",
            "put-back" => "Put back",
            "duplicate" => "Duplicated",
            "restore" => "Restored",
            // A later version's.
            other => return format!("{other} by {}", name(&self.who)),
        };
        if self.changed() || self.pushed() {
            return format!("{done} by {}", name(&self.who));
        }
        let begins = if self.is_unsure() { "Perhaps" } else { "Not" };
        format!("{begins} {}: {} asked for it", done.to_lowercase(), name(&self.who))
    }

    /// `None`: the title says it all.
    pub fn detail(&self) -> Option<String> {
        Some(self.result.clone()).filter(|result| !matches!(result.as_str(), "" | "done" | "1 done"))
    }

    /// Whether it moved the job itself, or may have.
    pub fn moved(&self) -> bool {
        (self.changed() || self.pushed() || self.is_unsure()) && self.verb != "duplicate"
    }

    fn is_unsure(&self) -> bool {
        self.result.starts_with(UNSURE)
    }

    /// An operation names the jobs that it moved, whatever became of the others. Its line alone says that it did not go through.
    fn pushed(&self) -> bool {
        let operation = || UNDONE.iter().any(|word| self.result.starts_with(word)) && matches!(self.verb.as_str(), "retry" | "discard");
        self.among && (self.verb == "retry-archived" || operation())
    }

    /// As `Came` words a result.
    fn changed(&self) -> bool {
        self.result.split(", ").any(|part| part == "done" || part.starts_with("done ") || part.ends_with(" done"))
            && !self.result.starts_with("refused")
    }
}

/// Where nobody signs in, all that is known of somebody is the address.
pub fn name(who: &str) -> &str {
    who.strip_prefix("somebody at ").unwrap_or(who)
}

fn deed(row: &Row<'_>) -> Deed {
    Deed {
        at: Millis(row.int(0).unwrap_or_default()),
        who: row.text(1).unwrap_or_default(),
        verb: row.text(2).unwrap_or_default(),
        result: row.text(3).unwrap_or_default(),
        among: false,
    }
}

/// Lines that name the job: alone, or as one of several. The newest, oldest first.
pub async fn of_job(db: &Db, queue: &QueueName, id: &str) -> Result<Vec<Deed>, ArchiveError> {
    let of_it = |condition: &str| {
        let columns = "a.at_ms, a.who, a.verb, a.result";
        sql(format!("SELECT {columns} FROM flux_console_audit a {condition} AND a.queue = ? ORDER BY a.at_ms DESC LIMIT {MOST}"))
    };
    let named = |asked: Sql, name: String| db.rows(asked.bind(name).bind(clean(queue.as_str())), deed);
    let alone = named(of_it("WHERE a.filter = ?"), deed_filter(id));
    let among = named(of_it("JOIN flux_console_audit_jobs j ON j.identity = a.identity WHERE j.job_id = ?"), key(id));
    let (mut deeds, among) = tokio::try_join!(alone, among)?;
    deeds.extend(among.into_iter().map(|deed| Deed { among: true, ..deed }));
    deeds.sort_by_key(|deed| deed.at);
    Ok(deeds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_read_like_speech() {
        let told = |verb: &str, who: &str, result: &str| {
            let deed = Deed { at: Millis(0), who: who.into(), verb: verb.into(), result: result.into(), among: false };
            (deed.title(), deed.detail().unwrap_or_default())
        };
        let somebody = "somebody at 127.0.0.1";
        for (verb, who, result, title, detail) in [
            ("discard", somebody, "1 done", "Deleted by 127.0.0.1", ""),
            ("retry", "operator at 10.0.0.3", "2 done, 1 gone", "Retried by operator at 10.0.0.3", "2 done, 1 gone"),
            ("retry-archived", somebody, "done by the click before", "Retried by 127.0.0.1", "done by the click before"),
            ("promote", somebody, "1 due already", "Not moved to waiting: 127.0.0.1 asked for it", "1 due already"),
            ("discard", somebody, "1 gone", "Not deleted: 127.0.0.1 asked for it", "1 gone"),
            ("put-back", somebody, "refused: nothing was done", "Not put back: 127.0.0.1 asked for it", "refused: nothing was done"),
            ("move", "Olga", "done", "move by Olga", ""),
            ("discard", somebody, "unsure: Redis was away", "Perhaps deleted: 127.0.0.1 asked for it", "unsure: Redis was away"),
            ("retry", somebody, "2 of 3 jobs were done, then no", "Retried by 127.0.0.1", "2 of 3 jobs were done, then no"),
        ] {
            assert_eq!(told(verb, who, result), (title.to_owned(), detail.to_owned()), "{verb}: {result}");
        }
    }

    /// The line of an operation that was cancelled names what it had pushed.
    #[test]
    fn what_an_operation_names_was_moved() {
        let deed =
            |verb: &str, result: &str, among| Deed { at: Millis(0), who: "Olga".into(), verb: verb.into(), result: result.into(), among };
        let cancelled = deed("retry-archived", "cancelled: 3 done of 5", true);
        assert!(cancelled.moved() && cancelled.title() == "Retried by Olga");
        assert!(deed("retry", "1 done", false).moved() && deed("discard", "2 done", true).moved());
        assert!(deed("discard", "2 of 3 jobs were done, then no", true).moved() && deed("retry", "unsure: no", false).moved());
        assert!(deed("discard", "cancelled: 3 done of 5", true).moved() && deed("retry", "interrupted: at least 1 done", true).moved());
        for (verb, result, among) in
            [("retry-archived", "refused: no", false), ("retry", "1 gone", true), ("duplicate", "done as b", false)]
        {
            assert!(!deed(verb, result, among).moved(), "{verb}: {result}");
        }
    }
}
