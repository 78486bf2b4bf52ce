//! From the start of the process to the first page.

use super::{
    console::Console,
    fill,
    redis::Redis,
    table::{Table, ms, ms_below, percentile},
};
use anyhow::Result;
use std::time::Duration;

const LIMIT: Duration = Duration::from_millis(50);

pub async fn measure(quick: bool) -> Result<()> {
    let mut redis = Redis::start()?;
    fill::S.fill(&mut redis.con)?;
    let runs = if quick { 3 } else { 10 };
    let (mut announced, mut first_page) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let console = Console::start(redis.url())?;
        console.get("/", "br").await?;
        first_page.push(console.started.elapsed());
        announced.push(console.announced);
    }
    let mut table =
        Table::new(format!("Start (size S, median and worst of {runs})"), &["from the start of the process", "median", "worst"]);
    table.row(vec!["to the line with the address".into(), ms(percentile(&announced, 50)), ms(percentile(&announced, 100))]);
    table.row(vec!["to the whole first page `/`".into(), ms_below(percentile(&first_page, 50), LIMIT), ms(percentile(&first_page, 100))]);
    table.print();
    Ok(())
}
