//! Recordings of the running library: `{scenario, recordedAt, keys: {key: {type, pttl, value}}}`.

use super::TestRedis;
use redis::AsyncCommands;
use serde_json::Value;
use std::{
    io::Write,
    path::{Path, PathBuf},
};

pub struct Recording {
    pub scenario: String,
    /// Epoch ms.
    pub recorded_at: i64,
    keys: serde_json::Map<String, Value>,
}

/// The project's own copies.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// All recordings, which live beside the project; `None`, and says so, where they are absent.
pub fn shared() -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/redis");
    if dir.is_dir() {
        return Some(dir);
    }
    // Not by `println!`, which is not shown of a test that passes.
    let said = "skipped: there are no recordings at ../shared/fixtures/redis; the copies in tests/fixtures are tested all the same\n";
    std::io::stderr().write_all(said.as_bytes()).expect("stderr");
    None
}

impl Recording {
    pub fn read(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let mut json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let Some(Value::Object(keys)) = json.get_mut("keys").map(Value::take) else { panic!("{}: no keys", file.display()) };
        let scenario = json["scenario"].as_str().expect("scenario").to_owned();
        Self { scenario, recorded_at: json["recordedAt"].as_i64().expect("recordedAt"), keys }
    }

    /// Writes every key with its type, value and time to live.
    pub async fn load(&self, redis: &TestRedis) {
        let mut con = redis.con.clone();
        for (key, entry) in &self.keys {
            let value = &entry["value"];
            match entry["type"].as_str().expect("type") {
                "string" => con.set(key, text(value)).await.expect("SET"),
                "list" => con.rpush::<_, _, ()>(key, texts(value)).await.expect("RPUSH"),
                "set" => con.sadd::<_, _, ()>(key, texts(value)).await.expect("SADD"),
                "zset" => {
                    for pair in value.as_array().expect("zset") {
                        // The score goes over as the text that Redis printed.
                        redis::cmd("ZADD").arg(key).arg(text(&pair[1])).arg(text(&pair[0])).exec_async(&mut con).await.expect("ZADD");
                    }
                }
                "hash" => {
                    for (field, value) in value.as_object().expect("hash") {
                        con.hset::<_, _, _, ()>(key, field, text(value)).await.expect("HSET");
                    }
                }
                other => panic!("{key} is a {other}"),
            }
            if let Some(pttl) = entry["pttl"].as_i64().filter(|ms| *ms > 0) {
                con.pexpire::<_, ()>(key, pttl).await.expect("PEXPIRE");
            }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().expect("array").iter().map(text).collect()
}
