//! The console as released, in a process of its own.

use anyhow::{Context, Result, bail};
use flux_console::server::cli::variables;
use reqwest::{Client, header};
use serde::de::DeserializeOwned;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Ticks of `/proc/{pid}/stat` in a second: fixed by Linux for every program.
const STAT_HZ: u64 = 100;

/// The release binary: `FLUX_CONSOLE`, or where `make release` leaves it.
pub fn program() -> Result<PathBuf> {
    let named = std::env::var_os("FLUX_CONSOLE").map(PathBuf::from);
    let program = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/flux-console"));
    if program.is_file() {
        return Ok(program);
    }
    bail!("there is no release binary at {}. Build it with `make release`, or say in FLUX_CONSOLE where it is.", program.display())
}

/// Where the program lies alone.
static ALONE: OnceLock<PathBuf> = OnceLock::new();

/// Copies the program into an empty directory, from which every console is started: all that it needs is in the one file. Dropped,
/// the directory is gone.
pub fn settle() -> Result<TempDir> {
    let dir = tempfile::tempdir().context("cannot make a directory for the program")?;
    let alone = dir.path().join("flux-console");
    std::fs::copy(program()?, &alone).with_context(|| format!("cannot copy the program to {}", alone.display()))?;
    ALONE.get_or_init(|| alone);
    Ok(dir)
}

pub struct Console {
    process: Child,
    /// `http://127.0.0.1:{port}`
    base: String,
    /// Keeps its connection from one request to the next.
    pub client: Client,
    pub started: Instant,
    /// From the start of the process to the line with the address.
    pub announced: Duration,
}

/// As a browser receives it: not decompressed.
pub struct Answer {
    pub bytes: u64,
    pub encoding: Option<String>,
    pub body: Vec<u8>,
    pub text: String,
}

impl Console {
    /// Returns when it has said where it is.
    pub fn start(redis_url: &str) -> Result<Self> {
        Self::start_on(redis_url, "off")
    }

    /// With that archive.
    pub fn start_on(redis_url: &str, archive: &str) -> Result<Self> {
        let program = ALONE.get().context("the program was not copied")?;
        let mut command = Command::new(program);
        if let Some(dir) = program.parent() {
            command.current_dir(dir);
        }
        // Settings of whoever measures are not what is measured.
        variables().iter().for_each(|name| {
            command.env_remove(name);
        });
        let client = Client::builder().build()?;
        command
            .args(["start", "--url", redis_url, "--port", "0", "--archive", archive])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let started = Instant::now();
        let mut process = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        let read = process.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        let announced = started.elapsed();
        let mut console = Self { process, base: String::new(), client, started, announced };
        let address = line.split_whitespace().find(|word| word.starts_with("http://"));
        match (read, address) {
            (Some(Ok(_)), Some(address)) => console.base = address.trim_end_matches('/').to_owned(),
            _ => bail!("the console did not say where it is, but {line:?}"),
        }
        Ok(console)
    }

    /// Waits until every key was looked at; the time since the process was started.
    pub async fn discovered(&self) -> Result<Duration> {
        loop {
            let overview: serde_json::Value = self.json("/api/v1/overview").await?;
            if overview["discovery"]["complete"] == true {
                return Ok(self.started.elapsed());
            }
            if self.started.elapsed() > Duration::from_secs(60) {
                bail!("the first pass over the keys did not end within 60 s: {overview}");
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A GET that must succeed; `accept` is what the browser would unpack, such as `br`.
    pub async fn get(&self, path: &str, accept: &str) -> Result<Answer> {
        let request = self.client.get(format!("{}{path}", self.base)).header(header::ACCEPT_ENCODING, accept);
        let answer = request.send().await.with_context(|| format!("no answer to GET {path}"))?;
        let status = answer.status();
        let encoding = answer.headers().get(header::CONTENT_ENCODING).and_then(|e| e.to_str().ok()).map(Into::into);
        let body = answer.bytes().await?;
        let text = String::from_utf8_lossy(&body).into_owned();
        if !status.is_success() {
            bail!("GET {path}: {status} {text}");
        }
        Ok(Answer { bytes: body.len() as u64, encoding, body: body.into(), text })
    }

    pub async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let answer = self.get(path, "identity").await?;
        serde_json::from_str(&answer.text).with_context(|| format!("GET {path} answers something else"))
    }

    /// A POST that must succeed.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &serde_json::Value) -> Result<T> {
        let answer = self.client.post(self.url(path)).json(body).send().await.with_context(|| format!("no answer to POST {path}"))?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("POST {path}: {status} {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("POST {path} answers something else"))
    }

    /// A PUT that must succeed.
    pub async fn put(&self, path: &str, body: &serde_json::Value) -> Result<()> {
        let answer = self.client.put(self.url(path)).json(body).send().await.with_context(|| format!("no answer to PUT {path}"))?;
        if !answer.status().is_success() {
            bail!("PUT {path}: {} {}", answer.status(), answer.text().await?);
        }
        Ok(())
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Bytes of it that lie in memory.
    pub fn resident(&self) -> Result<u64> {
        let status = self.proc("status")?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        Ok(kib.context("no VmRSS in /proc")?.parse::<u64>()? * 1024)
    }

    /// Processor time so far, of all its threads.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = self.proc("stat")?;
        // The name in brackets may hold anything; user and system time are fields 14 and 15, the 12th and 13th behind it.
        let fields: Vec<&str> = stat.rsplit_once(") ").context("an unknown /proc format")?.1.split(' ').collect();
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 1000 / STAT_HZ))
    }

    fn proc(&self, file: &str) -> Result<String> {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()))
            .context("memory and processor time are read from /proc, on Linux")
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
