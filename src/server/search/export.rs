//! Everything that a search finds, as a stream: step by step, so that no more than one step is in memory.

use super::{Cursor, Found, STEP, archive, step};
use crate::model::{
    error::ApiError,
    search::{ArchiveStep, Failure, Hit, Query},
};
use crate::server::state::AppState;
use futures::{Stream, stream};
use serde::Serialize;
use std::collections::HashSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line, with the raw payload as a string.
    Ndjson,
    /// For spreadsheets, without the payload.
    Csv,
}

/// Dead letters that were found in Redis: their rows in the archive tell of the same, as in [`Hit::settle`].
type Dead = HashSet<Failure>;
/// So many are remembered; of more, the rows stand in the file as well.
const DEAD: usize = 200_000;

/// Where an export stands.
enum At {
    Head,
    Live(Cursor),
    Archive(Option<String>),
    End,
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
    stream::unfold((At::Head, began, Dead::new()), move |(at, began, mut dead)| {
        let (state, query) = (state.clone(), query.clone());
        async move {
            let next = match at {
                At::Head => {
                    let head = if format == Format::Csv { "found,state,queue,id,class,error,time\r\n" } else { "" };
                    Ok((head.to_owned(), At::Live(began.clone())))
                }
                At::Live(cursor) => live(&state, &query, &cursor, format, &mut dead).await,
                At::Archive(cursor) => from_archive(&state, &query, cursor.as_deref(), format, &dead).await,
                At::End => return None,
            };
            Some(match next {
                Ok((text, at)) => (Ok(text), (at, began, dead)),
                Err(error) => (Err(error), (At::End, began, dead)),
            })
        }
    })
}

async fn live(state: &AppState, query: &Query, cursor: &Cursor, format: Format, dead: &mut Dead) -> Result<(String, At), ApiError> {
    let step = step(&state.driver, &state.snapshot(), query, None, cursor, STEP).await?;
    let mut text = String::new();
    for found in step.found {
        let full = found.read.text();
        let Found { job, place, read } = found;
        let raw = match (format, read.whole()) {
            (Format::Csv, _) => None,
            (Format::Ndjson, Some(raw)) => Some(raw.into_owned()),
            (Format::Ndjson, None) => {
                let at = job.fingerprint.to_string();
                state.driver.payload(&job.queue, &at, Some(&at)).await?.map(|raw| String::from_utf8_lossy(&raw).into_owned())
            }
        };
        let hit = Hit::live(job, place);
        if dead.len() < DEAD {
            dead.extend(hit.failure());
        }
        write(&mut text, &hit, full.error().or(hit.error.as_deref()), raw.as_deref(), format);
    }
    Ok((text, step.next.map_or(At::Archive(None), At::Live)))
}

async fn from_archive(
    state: &AppState,
    query: &Query,
    cursor: Option<&str>,
    format: Format,
    dead: &Dead,
) -> Result<(String, At), ApiError> {
    let ArchiveStep { hits, next, .. } = archive::whole(state, query, cursor).await?;
    let mut text = String::new();
    for hit in &hits {
        if hit.told_by(dead) {
            continue;
        }
        let (error, payload) = archive::whole_job(state, &hit.key, format == Format::Ndjson).await?;
        write(&mut text, hit, error.as_deref().or(hit.error.as_deref()), payload.as_deref(), format);
    }
    Ok((text, next.map_or(At::End, |next| At::Archive(Some(next)))))
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

/// A cell that no spreadsheet takes for a formula, quoted where it must be.
fn cell(text: &str) -> String {
    let safe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if safe.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe }
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
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("=a\n\"b\"", "\"'=a\n\"\"b\"\"\""),
        ] {
            assert_eq!(cell(text), safe);
        }
    }
}
