//! A MariaDB and a PostgreSQL of our own, one of each for the whole run and a fresh database for each test; gone with the tests.

use flux_console::server::archive::setting::Setting;
use std::{
    io::{Read, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// Ends the server and removes its directory as soon as this process is gone, however it ends.
const WATCHDOG: &str = r#"dir=$1; shift
"$@" >"$dir/log" 2>&1 &
server=$!
trap 'kill -9 $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 0' INT TERM HUP
read -r _
exit 0"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    MariaDb,
    Postgres,
}

/// A fresh, empty database.
pub struct Database {
    pub kind: Kind,
    pub setting: Setting,
    /// Of SQLite: the directory of the file.
    dir: Option<tempfile::TempDir>,
}

struct Server {
    port: u16,
    // Dropped, or when this process ends, the watchdog notices.
    _watchdog: Child,
    dir: PathBuf,
}

/// A MariaDB for one test alone, which may stop it.
pub struct Own {
    pub database: Database,
    server: Server,
}

pub async fn own_mariadb() -> Own {
    let server = tokio::task::spawn_blocking(mariadb).await.expect("the server starts");
    run_mysql(server.port, "CREATE DATABASE flux_own");
    let setting = Setting::MySql(format!("mysql://root@127.0.0.1:{}/flux_own", server.port));
    Own { database: Database { kind: Kind::MariaDb, setting, dir: None }, server }
}

impl Own {
    /// `STOP`, `CONT`, `KILL`
    pub fn signal(&self, name: &str) {
        let id = std::fs::read_to_string(self.server.dir.join("pid")).expect("its process id");
        let sent = Command::new("kill").args([&format!("-{name}"), id.trim()]).status().expect("kill runs");
        assert!(sent.success(), "{name}");
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.signal("CONT");
    }
}

impl Database {
    pub async fn new(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("flux_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let make = move || match kind {
            Kind::Sqlite => None,
            Kind::MariaDb => {
                static SERVER: OnceLock<Server> = OnceLock::new();
                Some(SERVER.get_or_init(mariadb).port)
            }
            Kind::Postgres => {
                static SERVER: OnceLock<Server> = OnceLock::new();
                Some(SERVER.get_or_init(postgres).port)
            }
        };
        let port = tokio::task::spawn_blocking(make).await.expect("the server starts");
        let (setting, dir) = match (kind, port) {
            (Kind::MariaDb, Some(port)) => {
                run_mysql(port, &format!("CREATE DATABASE {name}"));
                (Setting::MySql(format!("mysql://root@127.0.0.1:{port}/{name}")), None)
            }
            (Kind::Postgres, Some(port)) => {
                let made = Command::new(postgres_program("createdb"))
                    .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-U", "flux", &name])
                    .output()
                    .expect("createdb runs");
                assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
                (Setting::Postgres(format!("postgres://flux@127.0.0.1:{port}/{name}")), None)
            }
            _ => {
                let dir = tempfile::tempdir().expect("a directory");
                (Setting::Sqlite(dir.path().join("archive.sqlite")), Some(dir))
            }
        };
        Self { kind, setting, dir }
    }

    /// What `--archive` takes.
    pub fn flag(&self) -> String {
        match &self.setting {
            Setting::Off => "off".into(),
            Setting::Sqlite(path) => format!("sqlite:{}", path.display()),
            Setting::MySql(url) | Setting::Postgres(url) => url.clone(),
        }
    }

    /// Of a server: where it listens.
    pub fn port(&self) -> u16 {
        match &self.setting {
            Setting::MySql(url) | Setting::Postgres(url) => url::Url::parse(url).expect("a URL").port().expect("a port"),
            Setting::Off | Setting::Sqlite(_) => panic!("only for servers"),
        }
    }

    /// The same database by way of another port, unencrypted.
    pub fn by_way_of(&self, port: u16) -> Setting {
        let by_way = |url: &str, plain: &str| {
            let mut url = url::Url::parse(url).expect("a URL");
            url.set_port(Some(port)).expect("a port");
            url.set_query(Some(plain));
            url.to_string()
        };
        match &self.setting {
            Setting::MySql(url) => Setting::MySql(by_way(url, "ssl-mode=DISABLED")),
            Setting::Postgres(url) => Setting::Postgres(by_way(url, "sslmode=disable")),
            Setting::Off | Setting::Sqlite(_) => panic!("only for servers"),
        }
    }

    /// Runs SQL text as another program would.
    pub fn run(&self, text: &str) {
        match &self.setting {
            Setting::MySql(url) => {
                let url = url::Url::parse(url).expect("a URL");
                run_mysql(url.port().expect("a port"), &format!("USE {}; {text}", url.path().trim_start_matches('/')));
            }
            _ => panic!("only for MariaDB"),
        }
    }
}

fn run_mysql(port: u16, text: &str) {
    let mut client = Command::new("mariadb")
        .args(["--no-defaults", "-h", "127.0.0.1", "-P", &port.to_string(), "-u", "root", "--default-character-set=utf8mb4"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the mariadb client runs: scripts/setup.sh databases");
    client.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
    let ended = client.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port()
}

fn directory(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("flux-console-{name}-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&dir).expect("a directory");
    dir
}

fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output().expect("id runs");
    answer.stdout.starts_with(b"0")
}

fn watched(dir: &Path, command: &[String]) -> Child {
    Command::new("sh")
        .args(["-c", WATCHDOG, "flux-console-database"])
        .arg(dir)
        .args(command)
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh runs")
}

fn wait_for(dir: &Path, port: u16, up: impl Fn() -> bool) {
    let since = Instant::now();
    while !up() {
        let mut log = String::new();
        if since.elapsed() > Duration::from_secs(60) {
            let _ = std::fs::File::open(dir.join("log")).and_then(|mut file| file.read_to_string(&mut log));
            panic!("no database on port {port} after a minute:\n{log}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn done(command: &mut Command, what: &str) {
    let ended = command.output().unwrap_or_else(|e| panic!("{what}: {e}. scripts/setup.sh databases installs it."));
    assert!(ended.status.success(), "{what}: {}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
}

fn mariadb() -> Server {
    let (dir, port) = (directory("mariadb"), free_port());
    let data = dir.join("data");
    let tmpdir = format!("--tmpdir={}", dir.display());
    let mut install = Command::new("mariadb-install-db");
    install
        .arg("--no-defaults")
        .arg(format!("--datadir={}", data.display()))
        // A server that starts throws away what others have in a common one.
        .arg(&tmpdir)
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
    let mut command = vec!["/usr/sbin/mariadbd".into(), "--no-defaults".into(), format!("--datadir={}", data.display()), tmpdir];
    if is_root() {
        install.arg("--user=root");
        command.push("--user=root".into());
    }
    done(&mut install, "mariadb-install-db");
    command.extend([
        format!("--port={port}"),
        "--bind-address=127.0.0.1".into(),
        format!("--socket={}", dir.join("socket").display()),
        format!("--pid-file={}", dir.join("pid").display()),
        "--innodb-flush-log-at-trx-commit=0".into(),
        "--innodb-buffer-pool-size=64M".into(),
        "--performance-schema=off".into(),
        // Another zone than UTC, so that a test notices whoever forgets to set the session's.
        "--default-time-zone=+05:30".into(),
    ]);
    let watchdog = watched(&dir, &command);
    wait_for(&dir, port, || {
        let ping = ["--no-defaults", "-h", "127.0.0.1", "-P", &port.to_string(), "-u", "root", "-e", "SELECT 1"];
        Command::new("mariadb").args(ping).output().is_ok_and(|o| o.status.success())
    });
    Server { port, _watchdog: watchdog, dir }
}

/// Debian keeps them by version, off the PATH.
fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|v| v.path().join("bin").join(name));
    versions.filter(|p| p.is_file()).max().unwrap_or_else(|| name.into())
}

fn postgres() -> Server {
    let (dir, port) = (directory("postgres"), free_port());
    let data = dir.join("data");
    // It refuses to run as root.
    let mut as_user: Vec<String> = Vec::new();
    if is_root() {
        done(Command::new("chown").arg("postgres").arg(&dir), "chown");
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"].map(Into::into).into();
    }
    let with = |program: &str| {
        let mut all = as_user.clone();
        all.push(postgres_program(program).display().to_string());
        all
    };
    let init = with("initdb");
    let mut command = Command::new(&init[0]);
    command.args(&init[1..]).arg("-D").arg(&data).args(["-U", "flux", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]);
    done(command.current_dir(&dir), "initdb");
    let mut command = with("postgres");
    command.extend(["-D".into(), data.display().to_string(), "-p".into(), port.to_string()]);
    for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "timezone=Asia/Kolkata", "max_connections=200"] {
        command.extend(["-c".into(), setting.into()]);
    }
    let watchdog = watched(&dir, &command);
    wait_for(&dir, port, || {
        Command::new(postgres_program("pg_isready"))
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-q"])
            .status()
            .is_ok_and(|s| s.success())
    });
    Server { port, _watchdog: watchdog, dir }
}
