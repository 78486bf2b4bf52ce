//! A console that only waits gives back what it does not use of its program's file, and goes on.

use crate::support::{TestRedis, eventually, replica::Replica};
use std::time::Duration;

/// kB of the program's code that are resident.
fn code(process: u32) -> u64 {
    let maps = std::fs::read_to_string(format!("/proc/{process}/smaps")).expect("smaps");
    let mut of_code = false;
    let resident = maps.lines().filter_map(|line| match line.split_once(':') {
        Some(("Rss", kb)) if of_code => kb.trim().trim_end_matches(" kB").parse::<u64>().ok(),
        // A mapping's first line begins with its range.
        _ if line.split(' ').next().is_some_and(|word| word.contains('-')) => {
            of_code = line.contains(" r-xp ") && line.ends_with("/flux-console");
            None
        }
        _ => None,
    });
    resident.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_at_which_nobody_looks_gives_its_code_back() {
    let redis = TestRedis::start().await;
    let console = Replica::start(&redis);
    console.listens().await;
    let used = code(console.process_id());
    eventually("its code is given back", Duration::from_secs(90), async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        code(console.process_id()) < used * 9 / 10
    })
    .await;
    assert_eq!(console.json("/api/v1/overview").await["totals"]["queues"], 0, "it comes back when it is used");
}
