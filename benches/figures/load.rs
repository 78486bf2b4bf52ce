//! Bytes that a browser fetches before the first page is alive, and that they are those of the program's own file.

use super::{
    console::{Answer, Console, program},
    fill,
    redis::Redis,
    table::{Table, against, bytes},
};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;

const LIMIT: u64 = 300_000;

pub async fn measure() -> Result<()> {
    let mut redis = Redis::start()?;
    fill::S.fill(&mut redis.con)?;
    let console = Console::start(redis.url())?;
    console.discovered().await?;
    let page = console.get("/", "br").await?;
    let plain = console.get("/", "identity").await?;
    let program = std::fs::read(program()?).context("cannot read the program")?;
    let mut table = Table::new("First load (bodies as sent to a browser that takes brotli)", &["file", "sent", "as", "unpacked"]);
    let mut total = page.bytes;
    table.row(row("HTML of `/`", &page, &plain));
    for path in assets(&plain.text)? {
        let (sent, whole) = (console.get(&path, "br").await?, console.get(&path, "identity").await?);
        if !holds(&program, &whole.body) {
            bail!("{path} is not part of the program's file: a release is to bring all that it serves along");
        }
        total += sent.bytes;
        table.row(row(path.rsplit('/').next().unwrap_or(&path), &sent, &whole));
    }
    table.row(vec!["together".into(), against(bytes(total), total < LIMIT, "< 300 kB"), String::new(), String::new()]);
    table.print();
    Ok(())
}

fn row(file: &str, sent: &Answer, whole: &Answer) -> Vec<String> {
    vec![file.into(), bytes(sent.bytes), sent.encoding.clone().unwrap_or_else(|| "plain".into()), bytes(whole.bytes)]
}

/// Whether the file lies in the program as it is sent.
fn holds(program: &[u8], file: &[u8]) -> bool {
    !file.is_empty() && program.windows(file.len()).any(|part| part == file)
}

/// Addresses of the front end's files in the page: they all lie under `/_a/`; the icon does not.
fn assets(html: &str) -> Result<BTreeSet<String>> {
    let quotes = |c: char| matches!(c, '"' | '\'' | '`' | '<' | ')');
    let named = html.match_indices("/_a/").map(|(at, _)| html[at..].split(quotes).next().unwrap_or_default());
    let mut assets: BTreeSet<String> =
        named.filter(|path| path.rsplit('/').next().is_some_and(|file| file.contains('.'))).map(Into::into).collect();
    for kind in ["css", "js", "wasm"] {
        if !assets.iter().any(|path| path.ends_with(&format!(".{kind}"))) {
            bail!("the page names no .{kind} file: the binary was built without the front end. Build it with `make release`.");
        }
    }
    assets.insert("/favicon.svg".into());
    Ok(assets)
}
