//! The Redis that is measured on, and what it says about itself.

use anyhow::{Context, Result};
use flux_console::server::demo::redis::PrivateRedis;
use redis::Connection;
use std::time::Duration;

/// Commands above this are told apart in the slow log.
const SLOW_FROM: Duration = Duration::from_micros(100);
/// Of our own making, between two measurements.
const OURS: [&str; 6] = ["CONFIG", "SLOWLOG", "INFO", "FLUSHALL", "RPUSH", "MONITOR"];

pub struct Redis {
    server: PrivateRedis,
    pub con: Connection,
}

impl Redis {
    pub fn start() -> Result<Self> {
        let server = PrivateRedis::start()?;
        let con = redis::Client::open(server.url.as_str())?.get_connection().context("the private redis-server does not answer")?;
        Ok(Self { server, con })
    }

    pub fn url(&self) -> &str {
        &self.server.url
    }

    pub fn port(&self) -> u16 {
        self.server.port
    }

    pub fn flush(&mut self) -> Result<()> {
        Ok(redis::cmd("FLUSHALL").arg("SYNC").exec(&mut self.con)?)
    }

    /// One field of INFO, as text.
    pub fn text(&mut self, section: &str, field: &str) -> Result<String> {
        let info: String = redis::cmd("INFO").arg(section).query(&mut self.con)?;
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value
            .map(|value| value.trim().to_owned())
            .with_context(|| format!("this Redis does not tell {field}: version 7 or newer is needed"))
    }

    /// Processor time that the thread which runs all commands has used since the start.
    pub fn cpu(&mut self) -> Result<Duration> {
        let mut seconds = 0.0;
        for field in ["used_cpu_user_main_thread", "used_cpu_sys_main_thread"] {
            seconds += self.text("cpu", field)?.parse::<f64>()?;
        }
        Ok(Duration::from_secs_f64(seconds))
    }

    /// Forgets counts and slow commands; from now on both are kept.
    pub fn watch_closely(&mut self) -> Result<()> {
        let mut pipe = redis::pipe();
        pipe.cmd("CONFIG").arg("SET").arg("slowlog-log-slower-than").arg(SLOW_FROM.as_micros() as u64).ignore();
        pipe.cmd("CONFIG").arg("SET").arg("slowlog-max-len").arg(20_000).ignore();
        pipe.cmd("SLOWLOG").arg("RESET").ignore();
        pipe.cmd("CONFIG").arg("RESETSTAT").ignore();
        Ok(pipe.exec(&mut self.con)?)
    }

    /// Time inside scripts since [`Self::watch_closely`], what they called included.
    pub fn in_scripts(&mut self) -> Result<Duration> {
        // `calls=200,usec=41234,…`; absent when none ran.
        let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut self.con)?;
        let of = |name: &str| {
            let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:")))?;
            line.split(',').find_map(|part| part.strip_prefix("usec="))?.parse().ok()
        };
        Ok(Duration::from_micros(of("evalsha").unwrap_or(0) + of("eval").unwrap_or(0)))
    }

    /// The longest command since [`Self::watch_closely`]: nobody else was served during it. `None`: all were shorter than
    /// 0.1 ms.
    pub fn slowest(&mut self) -> Result<Option<(String, Duration)>> {
        type Entry = (u64, u64, u64, Vec<Vec<u8>>, String, String);
        let entries: Vec<Entry> = redis::cmd("SLOWLOG").arg("GET").arg(-1).query(&mut self.con)?;
        let named = entries
            .into_iter()
            .map(|(_, _, us, args, ..)| (us, args.first().map(|a| String::from_utf8_lossy(a).to_uppercase()).unwrap_or_default()));
        let slowest = named.filter(|(_, name)| !OURS.contains(&name.as_str())).max();
        Ok(slowest.map(|(us, name)| (name, Duration::from_micros(us))))
    }
}

/// The longest command against the 5 ms that none may take.
pub fn longest(slowest: Option<(String, Duration)>) -> String {
    const LIMIT: Duration = Duration::from_millis(5);
    match slowest {
        None => super::table::against("< 0.1 ms", true, "< 5 ms"),
        Some((name, time)) => format!("{} {name}", super::table::ms_below(time, LIMIT)),
    }
}
