//! The command line: what can be said, in words that teach, and what it comes to.

mod given;

use super::{
    archive::setting::{Persist, Setting},
    config::{Config, Delivery},
    demo, http, telemetry,
};
use chrono_tz::Tz;
use clap::{Args, CommandFactory, Parser, Subcommand, builder::BoolishValueParser};
use given::{data_dir, password, read_authorities, read_password};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    process::ExitCode,
};
use tokio_util::sync::CancellationToken;

/// What the operator asked for cannot be done as it was asked.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(
    name = "flux-console",
    version,
    about = "The management console for Gravito Flux & Stream job queues",
    arg_required_else_help = true
)]
#[command(after_help = "Examples:
  flux-console demo                                    see everything, without an app of your own
  flux-console start                                   Redis on this machine, http://127.0.0.1:3000
  REDIS_URL=rediss://user:secret@host:6380 flux-console start
                                                       a secret in the environment does not show in `ps`
  flux-console start --help                            every setting")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Run the console on a Redis
    Start(Box<Start>),
    /// Run the console on a private Redis with a simulated application
    Demo(Demo),
}

#[derive(Args)]
#[command(after_help = "AUTH_PASSWORD in the environment (or --password-file) turns on the login page. There is no flag for the password
itself: other users of the machine could read it from the list of processes. SLACK_WEBHOOK_URL sends alerts to Slack as long
as no other URL is stored.

Examples:
  flux-console start --url redis://cache.internal:6379/2 --prefix 'app:queue:'
  flux-console start --url rediss://cache.internal:6379 --redis-ca /etc/ssl/our-ca.pem
  flux-console start --password-file /run/secrets/console --host 0.0.0.0 --port 8080
  AUTH_PASSWORD=… flux-console start --host 0.0.0.0 --environment production

Without a password the console listens on this machine only. It starts while Redis is down, and connects when it is back.")]
pub struct Start {
    /// Redis to look at: redis://[user:password@]host:port[/db], or rediss:// for TLS
    // A plain string: clap would print a URL that it refuses, with the password in it.
    #[arg(long, env = "REDIS_URL", hide_env_values = true, default_value = "redis://127.0.0.1:6379")]
    url: String,

    /// PEM file with the certificates of the authorities (CAs) to trust for rediss://, instead of the public ones
    #[arg(long, env = "REDIS_CA", value_name = "FILE")]
    redis_ca: Option<PathBuf>,

    /// Port to listen on; 0 takes any free one
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,

    /// Address to listen on; 0.0.0.0 is every network and needs a password
    #[arg(long, env = "HOST", default_value = "127.0.0.1", value_parser = address)]
    host: IpAddr,

    /// What stands before every queue's name in Redis
    #[arg(long, env = "QUEUE_PREFIX", default_value = "queue:")]
    prefix: String,

    /// Where workers report (the consumer's monitor.prefix); may be given several times
    #[arg(long, env = "MONITOR_PREFIX", value_delimiter = ',', default_value = "flux_console:")]
    monitor_prefix: Vec<String>,

    /// File whose first line is the password for the login page (AUTH_PASSWORD in the environment does the same)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Serve other machines without a password: whoever reaches the port can delete jobs
    #[arg(long)]
    allow_open: bool,

    /// Origin of a reverse proxy that changes the Host header, such as https://console.example.com; may be given several times
    #[arg(long, env = "TRUST_ORIGIN", value_name = "ORIGIN", value_delimiter = ',')]
    trust_origin: Vec<String>,

    /// Badge in the top bar, such as production
    #[arg(long, env = "FLUX_ENVIRONMENT", value_name = "NAME")]
    environment: Option<String>,

    /// Memory of past jobs: sqlite:PATH, mysql://user:password@host/name, postgres://user:password@host/name, or off.
    /// Unless given: DB_DRIVER (sqlite, mysql or postgres), DB_HOST, DB_PORT, DB_NAME, DB_USER and DB_PASSWORD, else flux.sqlite in this directory, else a file in the data directory
    #[arg(long, env = "FLUX_ARCHIVE", hide_env_values = true, value_name = "WHERE")]
    archive: Option<String>,

    /// Directory for the console's own files; otherwise flux-console in XDG_DATA_HOME or ~/.local/share
    #[arg(long, env = "FLUX_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,

    /// Keep completed jobs in the archive too: a row for every job that ran
    #[arg(long, env = "PERSIST_ARCHIVE_COMPLETED", value_name = "true|false", default_value = "false")]
    archive_completed: String,

    /// Keep dead letters in the archive before Redis drops them
    #[arg(long, env = "PERSIST_ARCHIVE_FAILED", value_name = "true|false", default_value = "true")]
    archive_failed: String,

    /// Keep a row in the archive for each job that this console pushes: runs of schedules, copies, retries of archived jobs. A retry of
    /// dead letters moves them, and stands in the audit
    #[arg(long, env = "PERSIST_ARCHIVE_ENQUEUED", value_name = "true|false", default_value = "false")]
    archive_enqueued: String,

    /// Do not fire due schedules: the application's own scheduler does
    #[arg(long)]
    no_scheduler: bool,

    /// What stands before the schedules' keys in Redis; the library's scheduler has queue: unless told otherwise
    #[arg(long, env = "SCHEDULE_PREFIX", default_value = "queue:")]
    schedule_prefix: String,

    /// Time zone in which crons are read, such as Europe/Berlin; the library's scheduler takes that of its own process
    #[arg(long, env = "SCHEDULE_TIMEZONE", value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    schedule_timezone: Tz,
    /// Let alerts go to private networks and this machine, and over http: whoever may edit the channels can then reach these
    #[arg(long, env = "ALLOW_PRIVATE_WEBHOOKS", value_parser = BoolishValueParser::new())]
    allow_private_webhooks: bool,

    /// What to log on stderr: error, warn, info, debug, or directives such as flux_console=debug
    #[arg(long, env = "RUST_LOG", default_value = "info", value_name = "FILTER")]
    log: String,
}

#[derive(Args)]
#[command(after_help = "Needs a redis-server on the PATH. Ctrl-C ends all of it and leaves nothing behind.")]
pub struct Demo {
    /// Port to listen on; 0 takes any free one
    #[arg(long, env = "PORT", default_value_t = 3000)]
    port: u16,

    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1", value_parser = address)]
    host: IpAddr,

    /// Show the demo to other machines
    #[arg(long)]
    allow_open: bool,

    /// What to log on stderr
    #[arg(long, env = "RUST_LOG", default_value = "warn", value_name = "FILTER")]
    log: String,
}

/// The names of everything in the environment that sets something: who starts a console to test or measure it takes them out.
pub fn variables() -> BTreeSet<OsString> {
    let named = |command: &clap::Command| command.get_arguments().filter_map(|arg| arg.get_env().map(Into::into)).collect::<Vec<_>>();
    Cli::command().get_subcommands().flat_map(named).chain(["AUTH_PASSWORD".into()]).collect()
}

fn address(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.parse().map_err(|_| "an IP address is expected, such as 127.0.0.1 or 0.0.0.0".into())
}

fn zone(text: &str) -> Result<Tz, String> {
    let named = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(text));
    named.copied().ok_or_else(|| "a time zone is named by place, such as Europe/Berlin, or UTC".into())
}

/// Does what was asked until `shutdown`.
pub async fn run(cli: Cli, shutdown: CancellationToken) -> ExitCode {
    let log = match &cli.command {
        Command::Start(start) => &start.log,
        Command::Demo(demo) => &demo.log,
    };
    if let Err(error) = telemetry::start(log) {
        return refuse(&format!("--log {log:?} cannot be read: {error}. Try --log info."));
    }
    let ran = match cli.command {
        Command::Start(start) => match password().and_then(|password| start.config(password)) {
            Ok(config) => http::start(config, shutdown).await,
            Err(sentence) => return refuse(&sentence),
        },
        Command::Demo(Demo { port, host, allow_open, log: _ }) => {
            if let Err(sentence) = open_to_others(host, false, allow_open) {
                return refuse(&sentence);
            }
            demo::run(demo::DemoOptions { port, host }, shutdown).await
        }
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("flux-console: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(sentence: &str) -> ExitCode {
    eprintln!("flux-console: {sentence}");
    ExitCode::from(USAGE)
}

impl Start {
    /// Settings that fit together.
    ///
    /// # Errors
    /// A sentence that names the remedy, without any secret.
    fn config(self, password: Option<String>) -> Result<Config, String> {
        let Ok(client) = redis::Client::open(self.url.as_str()) else {
            return Err("--url (REDIS_URL) is no Redis URL. Write redis://host:6379, with user and password as redis://user:password@host:6379 (special letters percent-encoded), or rediss:// for TLS.".into());
        };
        let redis_ca = match &self.redis_ca {
            Some(_) if !matches!(client.get_connection_info().addr(), redis::ConnectionAddr::TcpTls { .. }) => {
                return Err("--redis-ca (REDIS_CA) is for TLS, and --url (REDIS_URL) is without. Write rediss://host:6379, or leave --redis-ca out.".into());
            }
            Some(file) => Some(read_authorities(file)?),
            None => None,
        };
        let password = match &self.password_file {
            Some(file) => Some(read_password(file)?),
            None => password.filter(|text| !text.is_empty()),
        };
        open_to_others(self.host, password.is_some(), self.allow_open)?;
        for origin in &self.trust_origin {
            let whole = url::Url::parse(origin).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.origin().ascii_serialization() == origin.trim_end_matches('/').to_ascii_lowercase()
            });
            if !whole {
                return Err(format!(
                    "--trust-origin {origin:?} is no origin. Write scheme, host and port as a browser does: https://console.example.com."
                ));
            }
        }
        let here = std::env::current_dir().unwrap_or_default();
        let env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let archive = Setting::choose(self.archive.as_deref(), env, &here, &self.data_dir.unwrap_or_else(data_dir))?;
        Ok(Config {
            url: self.url,
            redis_ca,
            host: self.host,
            port: self.port,
            prefix: self.prefix,
            monitor_prefixes: self.monitor_prefix,
            password,
            allow_open: self.allow_open,
            trusted_origins: self.trust_origin,
            environment: self.environment.filter(|name| !name.is_empty()),
            archive,
            persist: Persist::read(&self.archive_failed, &self.archive_completed, &self.archive_enqueued),
            scheduler: !self.no_scheduler,
            schedule_prefix: self.schedule_prefix,
            schedule_timezone: self.schedule_timezone,
            slack_webhook_url: env("SLACK_WEBHOOK_URL"),
            allow_private_webhooks: self.allow_private_webhooks,
            delivery: Delivery::default(),
        })
    }
}

fn open_to_others(host: IpAddr, password: bool, allow_open: bool) -> Result<(), String> {
    if host.is_loopback() || password || allow_open {
        return Ok(());
    }
    Err(format!(
        "Listening on {host} without a password would let anybody on the network delete jobs. Set AUTH_PASSWORD (or --password-file), or say --allow-open if that is what you want."
    ))
}

#[cfg(test)]
mod tests;
