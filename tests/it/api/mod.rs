//! REST: shapes, statuses, names that need care.

mod acting;
mod addresses;
mod large;
mod markup;
mod reading;
mod refused;

use crate::support::TestConsole;

/// The handles of a queue's jobs, as its first page of 200 has them.
async fn fingerprints(console: &TestConsole, queue: &str, state: &str) -> Vec<String> {
    let page = console.json(&format!("/api/v1/queues/{queue}/jobs?state={state}&perPage=200")).await;
    page["jobs"].as_array().unwrap().iter().map(|job| job["fingerprint"].as_str().unwrap().to_owned()).collect()
}
