//! What the command line and the environment decided, checked once at start.

use super::{
    archive::setting::{Persist, Setting},
    driver::redis::schedules::keys::DEFAULT_PREFIX,
};
use chrono_tz::Tz;
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

/// Settings of one console. `Debug` is not derived: the URL and the password are secrets.
#[derive(Clone)]
pub struct Config {
    /// `redis://[user:password@]host:port[/db]` or `rediss://…`
    pub url: String,
    /// PEM: the certificates to trust for `rediss://`, instead of the public ones.
    pub redis_ca: Option<Vec<u8>>,
    pub host: IpAddr,
    /// 0 = any free port.
    pub port: u16,
    /// Queue prefix, `queue:` by default. Stands before every queue's name, byte for byte.
    pub prefix: String,
    /// Monitor prefixes: where heartbeats live besides the queue prefix.
    pub monitor_prefixes: Vec<String>,
    /// `None`: no login page, loopback only.
    pub password: Option<String>,
    /// Without a password: serve any network and any host name all the same.
    pub allow_open: bool,
    /// Origins (`https://console.example.com`) of reverse proxies that hide the name the browser asked for.
    pub trusted_origins: Vec<String>,
    /// Shown in the top bar: `production`, `staging`.
    pub environment: Option<String>,
    /// Where jobs of the past are kept.
    pub archive: Setting,
    pub persist: Persist,
    /// Fires due schedules, unless another scheduler does.
    pub scheduler: bool,
    /// What stands before the schedules' keys: the library's scheduler does not use the queue prefix.
    pub schedule_prefix: String,
    /// In which crons are read.
    pub schedule_timezone: Tz,
    /// Where alerts go when no Slack URL is stored (`SLACK_WEBHOOK_URL`); a secret.
    pub slack_webhook_url: Option<String>,
    /// Alerts may go to private networks, and without TLS.
    pub allow_private_webhooks: bool,
    pub delivery: Delivery,
}

/// How hard it is tried to deliver an alert.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// For one try.
    pub within: Duration,
    /// How long to wait after each try that failed; each is lengthened by up to a quarter, by chance. After the last of these
    /// waits it is tried once more.
    pub waits: Vec<Duration>,
}

impl Default for Delivery {
    /// Five tries in about four minutes: longer than a receiver needs to restart, and short enough for an alert to be news.
    fn default() -> Self {
        Self { within: Duration::from_secs(10), waits: [2, 10, 40, 180].map(Duration::from_secs).into() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: "redis://127.0.0.1:6379".into(),
            redis_ca: None,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 3000,
            prefix: "queue:".into(),
            monitor_prefixes: vec!["flux_console:".into()],
            password: None,
            allow_open: false,
            trusted_origins: Vec::new(),
            environment: None,
            archive: Setting::Off,
            persist: Persist::default(),
            scheduler: true,
            schedule_prefix: DEFAULT_PREFIX.into(),
            schedule_timezone: Tz::UTC,
            slack_webhook_url: None,
            allow_private_webhooks: false,
            delivery: Delivery::default(),
        }
    }
}
