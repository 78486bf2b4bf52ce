//! A console in a process of its own: one that can be killed, or stand beside others on one Redis.

use super::{TestRedis, eventually};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

pub struct Replica {
    child: Child,
    /// `http://127.0.0.1:{port}`
    pub base_url: String,
}

impl Replica {
    pub fn start(redis: &TestRedis) -> Self {
        Self::with(redis, &["--archive", "off"])
    }

    /// With flags of one's own; one of them says where the archive is.
    pub fn with(redis: &TestRedis, flags: &[&str]) -> Self {
        Self::spawn(&redis.url, flags, &[], Stdio::null())
    }

    /// Whose log goes into a file.
    pub fn logged(url: &str, flags: &[&str], log: &std::path::Path) -> Self {
        Self::spawn(url, flags, &[], std::fs::File::create(log).expect("a file").into())
    }

    /// With an environment of its own besides.
    pub fn within(redis: &TestRedis, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(&redis.url, flags, environment, Stdio::null())
    }

    fn spawn(url: &str, flags: &[&str], environment: &[(&str, &str)], log: Stdio) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_flux-console"))
            .args(["start", "--url", url, "--port", "0"])
            .args(flags)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the console starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let at = line.find("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
        let base_url = line[at..].split_whitespace().next().expect("an address").trim_end_matches(['/', ')', ',']).to_owned();
        Self { child, base_url }
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub async fn json(&self, path: &str) -> Value {
        let text = super::get(format!("{}{path}", self.base_url)).await.text().await.expect("text");
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e} in {text}"))
    }

    /// Waits until the event channel is heard.
    pub async fn listens(&self) {
        let heard = async || !self.json("/api/v1/overview").await["heard"]["listeningSince"].is_null();
        eventually("the channel is heard", Duration::from_secs(20), heard).await;
    }

    /// `kill -9`
    pub fn kill(mut self) {
        self.child.kill().expect("kill -9");
        self.child.wait().expect("it ended");
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
