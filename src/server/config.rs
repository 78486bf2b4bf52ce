//! What the command line and the environment decided, checked once at start.

use std::net::IpAddr;

/// Settings of one console. `Debug` is not derived: the URL and the password are secrets.
#[derive(Clone)]
pub struct Config {
    /// `redis://[user:password@]host:port[/db]` or `rediss://…`
    pub url: String,
    pub host: IpAddr,
    /// 0 = any free port.
    pub port: u16,
    /// Queue prefix, `queue:` by default. Stands before every queue's name, byte for byte.
    pub prefix: String,
    /// Monitor prefixes: where heartbeats live besides the queue prefix.
    pub monitor_prefixes: Vec<String>,
    /// `None`: no login page, loopback only.
    pub password: Option<String>,
    /// Shown in the top bar: `production`, `staging`.
    pub environment: Option<String>,
}
