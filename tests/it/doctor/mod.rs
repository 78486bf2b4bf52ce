//! The doctor on a real Redis: each finding where it belongs and nowhere else, and each fix.

mod findings;
mod fixes;

use crate::support::TestConsole;
use serde_json::Value;

/// Findings of one check: (subject, level), in order.
pub async fn found(console: &TestConsole, check: &str) -> Vec<(String, String)> {
    let diagnosis = look(console).await;
    let findings = diagnosis["findings"].as_array().unwrap().iter().filter(|f| f["check"] == check);
    findings.map(|f| (f["subject"].as_str().unwrap().to_owned(), f["level"].as_str().unwrap().to_owned())).collect()
}

pub async fn look(console: &TestConsole) -> Value {
    // Two looks within a second are one.
    tokio::time::sleep(std::time::Duration::from_millis(1_050)).await;
    console.json("/api/v1/doctor?anew=true").await
}

pub async fn fix(console: &TestConsole, kind: &str, subject: &str, count: Option<u64>) -> (bool, u64, String) {
    let body = serde_json::json!({"kind": kind, "subject": subject, "count": count});
    let (status, fixed) = console.post("/api/v1/doctor/fix", &body).await;
    assert_eq!(status, 200, "{fixed}");
    (fixed["done"].as_bool().unwrap(), fixed["jobs"].as_u64().unwrap(), fixed["said"].as_str().unwrap().to_owned())
}
