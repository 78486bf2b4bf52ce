//! A redis-server of our own: started from PATH on a free loopback port, gone without a trace when we are.
//!
//! Between us and the server stands a few lines of `sh` whose standard input is a pipe that we hold. However this
//! process ends (return, panic, Ctrl-C, kill -9), the pipe closes, and the shell ends the server and removes its
//! directory. Both run in a process group of their own, so Ctrl-C in a terminal reaches the console alone and Redis
//! outlives the console's graceful stop.

use anyhow::{Context, bail};
use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Arguments: directory, program, then the program's own arguments.
const WATCHDOG: &str = r#"dir=$1; shift
"$@" >"$dir/redis.log" 2>&1 &
server=$!
trap 'kill -9 $server 2>/dev/null; wait $server 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 0' INT TERM HUP
read -r _
exit 0"#;

/// A server starts in about 10 ms; a machine that compiles at the same time may need seconds.
const START_WITHIN: Duration = Duration::from_secs(15);

/// Between picking a free port and binding it, somebody else may take it.
const PORT_TRIES: usize = 5;

pub struct PrivateRedis {
    /// `redis://127.0.0.1:{port}/`
    pub url: String,
    pub port: u16,
    program: PathBuf,
    running: Option<Running>,
}

struct Running {
    watchdog: Child,
    dir: PathBuf,
}

impl PrivateRedis {
    /// Blocks until the server answers (some 10 ms). Errors say what is missing and how to get it.
    pub fn start() -> anyhow::Result<Self> {
        let program = find_program()?;
        let mut last = None;
        for _ in 0..PORT_TRIES {
            let port = free_port()?;
            match Running::start(&program, port) {
                Ok(running) => return Ok(Self { url: format!("redis://127.0.0.1:{port}/"), port, program, running: Some(running) }),
                Err(problem) => last = Some(problem),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("no free port")).context("redis-server was found but does not start"))
    }

    /// Ends the server as abruptly as `kill -9` and removes its directory; its data is lost. A second call does nothing.
    pub fn stop(&mut self) {
        self.running = None;
    }

    /// Starts an empty server on the same port again, ending the running one first.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop();
        self.running = Some(Running::start(&self.program, self.port)?);
        Ok(())
    }

    /// Stops the process in its tracks (SIGSTOP): connections stay open and nothing answers.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.signal("-STOP")
    }

    pub fn thaw(&self) -> anyhow::Result<()> {
        self.signal("-CONT")
    }

    /// Process id of the server, `None` while it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.running.as_ref()?.pid()
    }

    /// The directory that the server runs in, `None` while it is stopped.
    pub fn dir(&self) -> Option<&Path> {
        self.running.as_ref().map(|r| r.dir.as_path())
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let pid = self.pid().context("the private redis-server is not running")?;
        let status = Command::new("kill").arg(signal).arg(pid.to_string()).status().context("cannot run kill")?;
        if status.success() { Ok(()) } else { bail!("kill {signal} {pid}: {status}") }
    }
}

impl Running {
    fn start(program: &Path, port: u16) -> anyhow::Result<Self> {
        let dir = std::env::temp_dir().join(format!("flux-console-redis-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        // Redis reports its directory resolved (/tmp is a link on some systems).
        let dir = dir.canonicalize().with_context(|| format!("cannot resolve {}", dir.display()))?;
        let mut command = Command::new("sh");
        command.arg("-c").arg(WATCHDOG).arg("flux-console-redis").arg(&dir).arg(program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]).arg(&dir);
        command.arg("--pidfile").arg(dir.join("redis.pid"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        command.process_group(0);
        let watchdog = match command.spawn() {
            Ok(child) => child,
            Err(problem) => {
                let _ = std::fs::remove_dir_all(&dir);
                return Err(problem).context("cannot start sh, which watches over redis-server");
            }
        };
        // From here on Drop cleans up.
        let mut running = Self { watchdog, dir };
        running.wait_until_up(port)?;
        Ok(running)
    }

    fn wait_until_up(&mut self, port: u16) -> anyhow::Result<()> {
        let since = Instant::now();
        // Anybody may listen on that port: it is our server only when it runs in our directory.
        while !answers_from(port, &self.dir) {
            let log = std::fs::read_to_string(self.dir.join("redis.log")).unwrap_or_default();
            let refused = log.contains("Failed listening") || log.contains("FATAL");
            let ended = self.watchdog.try_wait().context("cannot watch sh")?.is_some();
            if refused || ended || since.elapsed() > START_WITHIN {
                let lines: Vec<&str> = log.lines().rev().take(3).collect();
                bail!(
                    "redis-server on port {port} does not answer after {} ms. Its last words: {}",
                    since.elapsed().as_millis(),
                    lines.join(" | ")
                );
            }
            std::thread::sleep(Duration::from_millis(3));
        }
        Ok(())
    }

    fn pid(&self) -> Option<u32> {
        std::fs::read_to_string(self.dir.join("redis.pid")).ok()?.trim().parse().ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input tells the watchdog to clean up.
        drop(self.watchdog.stdin.take());
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(3) {
            match self.watchdog.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(1)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

fn find_program() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join("redis-server")).find(|file| file.is_file());
    found.context(
        "There is no redis-server on PATH. Install it (Debian and Ubuntu: apt-get install redis-server; macOS: brew install redis; \
         Fedora: dnf install redis), or point the console at a Redis that you have: flux-console start --url redis://…",
    )
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a port on 127.0.0.1")?;
    Ok(listener.local_addr().context("a listener without an address")?.port())
}

fn answers_from(port: u16, dir: &Path) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), Duration::from_millis(500))?;
        stream.set_read_timeout(Some(Duration::from_millis(500)))?;
        stream.write_all(b"CONFIG GET dir\r\n")?;
        let mut answer = Vec::new();
        let mut chunk = [0; 512];
        // *2 $3 dir $n {path}: five lines.
        while answer.iter().filter(|b| **b == b'\n').count() < 5 && answer.len() < 8192 {
            match stream.read(&mut chunk)? {
                0 => break,
                n => answer.extend_from_slice(&chunk[..n]),
            }
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    ask().is_ok_and(|answer| answer.lines().any(|line| Path::new(line) == dir))
}
