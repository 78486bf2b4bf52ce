//! Everything that a search finds, as a stream. A step is read by its ends and by numbers, as for a page; the whole payloads follow
//! one by one as the file goes out, so that no more than one of them and a piece of the file are in memory, however large jobs are.

use super::{Cursor, Found, STEP, archive, step};
use crate::model::{
    error::ApiError,
    search::{ArchiveStep, Failure, Hit, Query},
};
use crate::server::state::AppState;
use futures::{Stream, stream};
use serde::Serialize;
use std::{
    borrow::Cow,
    collections::{HashSet, VecDeque},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, with the raw payload as a string.
    Ndjson,
    /// For spreadsheets, without the payload.
    Csv,
}

/// A piece goes out with the row that makes it so long, or with the last row of a step.
const PIECE: usize = 1024 * 1024;

/// Dead letters that were found in Redis: their rows in the archive tell of the same, as in [`Hit::settle`].
type Dead = HashSet<Failure>;
/// So many are remembered; of more, the rows stand in the file as well.
const DEAD: usize = 200_000;

/// Where an export stands.
enum At {
    Head(Cursor),
    Live(Cursor),
    Archive(Option<String>),
    End,
}

/// A find that is still to be written.
enum Row {
    Live(Box<Found>),
    Archive(Box<Hit>),
}

struct Export {
    state: AppState,
    query: Query,
    format: Format,
    at: At,
    /// Of the last step.
    rows: VecDeque<Row>,
    dead: Dead,
}

/// One line of NDJSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    found: &'static str,
    queue: &'a str,
    state: &'static str,
    id: Option<&'a str>,
    class_name: Option<&'a str>,
    error: Option<&'a str>,
    /// When it failed, else when it was created.
    at: Option<String>,
    /// As it lies in Redis or in the archive; bytes that are not UTF-8 replaced. `null`: gone meanwhile.
    payload: Option<&'a str>,
}

/// Live first, then the archive. It ends with an error, not silently, when either cannot be read to its end.
pub fn export(
    state: AppState,
    query: Query,
    began: Cursor,
    format: Format,
) -> impl Stream<Item = Result<String, ApiError>> + Send + 'static {
    let export = Export { state, query, format, at: At::Head(began), rows: VecDeque::new(), dead: Dead::new() };
    stream::unfold(Some(export), |export| async move {
        let mut export = export?;
        match export.piece().await {
            Ok(piece) => piece.map(|text| (Ok(text), Some(export))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

impl Export {
    /// The next piece of the file; `None` at its end.
    async fn piece(&mut self) -> Result<Option<String>, ApiError> {
        let mut text = String::new();
        while text.len() < PIECE {
            match self.rows.pop_front() {
                Some(Row::Live(found)) => self.live(&mut text, *found).await?,
                Some(Row::Archive(hit)) => self.archived(&mut text, &hit).await?,
                // What a step found goes out before the next one is read.
                None if !text.is_empty() => break,
                None => {
                    if !self.step(&mut text).await? {
                        return Ok(None);
                    }
                }
            }
        }
        Ok(Some(text))
    }

    /// Reads the next step; false at the end.
    async fn step(&mut self, text: &mut String) -> Result<bool, ApiError> {
        self.at = match &self.at {
            At::Head(began) => {
                if self.format == Format::Csv {
                    text.push_str("found,state,queue,id,class,error,time\r\n");
                }
                At::Live(began.clone())
            }
            At::Live(cursor) => {
                let step = step(&self.state.driver, &self.state.snapshot(), &self.query, None, cursor, STEP).await?;
                self.rows.extend(step.found.into_iter().map(|found| Row::Live(Box::new(found))));
                step.next.map_or(At::Archive(None), At::Live)
            }
            At::Archive(cursor) => {
                let ArchiveStep { hits, next, .. } = archive::whole(&self.state, &self.query, cursor.as_deref()).await?;
                self.rows.extend(hits.into_iter().filter(|hit| !hit.told_by(&self.dead)).map(|hit| Row::Archive(Box::new(hit))));
                next.map_or(At::End, |next| At::Archive(Some(next)))
            }
            At::End => return Ok(false),
        };
        Ok(true)
    }

    async fn live(&mut self, text: &mut String, found: Found) -> Result<(), ApiError> {
        let full = found.read.text();
        let Found { job, place, read } = found;
        let raw = match (self.format, read.whole()) {
            (Format::Csv, _) => None,
            (Format::Ndjson, Some(raw)) => Some(raw),
            (Format::Ndjson, None) => {
                let there = self.state.driver.locate(&job.queue, &job.fingerprint).await?;
                there.map(|there| Cow::Owned(String::from_utf8_lossy(&there.raw).into_owned()))
            }
        };
        let hit = Hit::live(job, place);
        if self.dead.len() < DEAD {
            self.dead.extend(hit.failure());
        }
        write(text, &hit, full.error().or(hit.error.as_deref()), raw.as_deref(), self.format);
        Ok(())
    }

    async fn archived(&self, text: &mut String, hit: &Hit) -> Result<(), ApiError> {
        let (error, payload) = archive::whole_job(&self.state, &hit.key, self.format == Format::Ndjson).await?;
        write(text, hit, error.as_deref().or(hit.error.as_deref()), payload.as_deref(), self.format);
        Ok(())
    }
}

fn write(text: &mut String, hit: &Hit, error: Option<&str>, payload: Option<&str>, format: Format) {
    let (found, state, at) = (hit.whereabouts.as_str(), hit.state.as_str(), hit.at.map(|at| at.iso()));
    let (queue, id, class_name) = (hit.queue.as_str(), hit.id.as_deref(), hit.class_name.as_deref());
    match format {
        Format::Ndjson => {
            let line = Line { found, queue, state, id, class_name, error, at, payload };
            // Strings and nothing else: they can always be written.
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
        Format::Csv => {
            let cells = [found, state, queue, id.unwrap_or(""), class_name.unwrap_or(""), error.unwrap_or(""), at.as_deref().unwrap_or("")];
            text.push_str(&cells.map(cell).join(","));
            text.push_str("\r\n");
        }
    }
}

/// With these a spreadsheet begins a formula; some leave out what cannot be seen before it, and take wide characters for narrow ones.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A cell that no spreadsheet takes for a formula, quoted where it must be: in some countries a semicolon ends it.
fn cell(text: &str) -> String {
    let safe = if text.starts_with(FORMULA) { format!("'{text}") } else { text.to_owned() };
    if safe.contains(['"', ',', ';', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, safe) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@x", "'@x"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("\n=1", "\"'\n=1\""),
            ("-5", "'-5"),
            ("＝1", "'＝1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠x", "'＠x"),
            (";=1", "\";=1\""),
            ("no;=1", "\"no;=1\""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=a\n\"b\"", "\"'=a\n\"\"b\"\"\""),
        ] {
            assert_eq!(cell(text), safe);
        }
    }
}
