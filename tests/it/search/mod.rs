//! Search on a real Redis: what is found is what a plain reading finds, whatever moves meanwhile; and "all matching" does what
//! was counted.

mod export;
mod live;
mod lost;
mod matching;
mod rest;

use crate::support::TestConsole;
use flux_console::model::{
    ids::QueueName,
    job::JobState,
    search::{CountStep, Hit, SearchStep},
};
use flux_console::server::actions;

pub fn queue(name: &str) -> QueueName {
    QueueName::try_from(name).expect("a valid name")
}

/// All steps of a live search, and the last of them.
pub async fn all(console: &TestConsole, text: &str) -> (Vec<Hit>, SearchStep) {
    let (mut hits, mut cursor) = (Vec::new(), None);
    loop {
        let step = actions::search::live(&console.state, text, cursor.as_deref()).await.expect("a step");
        hits.extend(step.hits.clone());
        match &step.next {
            Some(next) => cursor = Some(next.clone()),
            None => return (hits, step),
        }
    }
}

pub fn ids(hits: &[Hit]) -> Vec<String> {
    let mut ids: Vec<String> = hits.iter().map(|h| h.id.clone().unwrap_or_else(|| "?".into())).collect();
    ids.sort();
    ids
}

/// The complete count of what matches.
pub async fn count(console: &TestConsole, name: &str, state: JobState, text: &str) -> CountStep {
    let mut cursor = None;
    loop {
        let step = actions::matching::count(&console.state, &queue(name), state, text, cursor.as_deref()).await.expect("a count");
        match step.next {
            Some(next) => cursor = Some(next),
            None => return step,
        }
    }
}

/// Every page of a filtered table, as ids.
pub async fn table(console: &TestConsole, name: &str, state: JobState, text: &str) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let page = actions::matching::page(&console.state, &queue(name), state, text, cursor.as_deref(), 20).await.expect("a page");
        assert!(page.jobs.len() <= 20);
        found.extend(page.jobs.into_iter().map(|j| j.id.unwrap_or_else(|| "?".into())));
        match page.next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}
