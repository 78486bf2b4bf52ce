//! However it ends, the private Redis leaves no process and no directory.

use crate::support::eventually;
use flux_console::server::demo::redis::PrivateRedis;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

fn runs(pid: u32) -> bool {
    Command::new("kill").args(["-0", &pid.to_string()]).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

fn answers(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn a_stopped_server_is_gone_and_starts_again_on_its_port() {
    let mut server = PrivateRedis::start().expect("starts");
    let (pid, dir) = (server.pid().expect("pid"), server.dir().expect("dir").to_owned());
    assert!(runs(pid) && dir.is_dir() && answers(server.port));
    server.stop();
    assert!(!runs(pid) && !dir.exists() && !answers(server.port));
    assert_eq!((server.pid(), server.dir()), (None, None));
    server.stop();

    server.restart().expect("starts again");
    let again = (server.pid().expect("pid"), server.dir().expect("dir").to_owned());
    assert!(answers(server.port) && again.0 != pid);
    drop(server);
    assert!(!runs(again.0) && !again.1.exists());
}

#[test]
fn a_panic_leaves_nothing() {
    let dir = std::thread::spawn(|| {
        let server = PrivateRedis::start().expect("starts");
        std::panic::panic_any(server.dir().expect("dir").to_owned());
    })
    .join()
    .expect_err("panics");
    assert!(!dir.downcast::<PathBuf>().expect("the directory").exists());
}

#[test]
fn servers_never_mistake_each_other() {
    let starting: Vec<_> = (0..4).map(|_| std::thread::spawn(|| PrivateRedis::start().expect("starts"))).collect();
    let servers: Vec<PrivateRedis> = starting.into_iter().map(|thread| thread.join().expect("starts")).collect();
    let mut ports: Vec<u16> = servers.iter().map(|s| s.port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 4);
}

/// A frozen server keeps connections and answers nothing.
#[tokio::test]
async fn a_frozen_server_thaws() {
    let server = PrivateRedis::start().expect("starts");
    let client = redis::Client::open(server.url.as_str()).unwrap();
    let mut con = client.get_multiplexed_async_connection().await.unwrap();
    server.freeze().expect("freezes");
    let ping = async |con: &mut redis::aio::MultiplexedConnection| {
        tokio::time::timeout(Duration::from_millis(100), redis::cmd("PING").query_async::<String>(con)).await.is_ok()
    };
    assert!(!ping(&mut con).await);
    server.thaw().expect("thaws");
    eventually("it answers again", Duration::from_secs(2), async || ping(&mut con.clone()).await).await;
}

struct Demo {
    console: Child,
    redis_port: u16,
    redis_dir: PathBuf,
}

/// `flux-console demo`, up and announced.
fn demo() -> Demo {
    let mut console = Command::new(env!("CARGO_BIN_EXE_flux-console"))
        .args(["demo", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the console starts");
    let mut lines = BufReader::new(console.stdout.take().expect("stdout")).lines();
    let announced = lines.next().expect("a line").expect("text");
    let redis_port = announced.split("redis-server on port ").nth(1).and_then(|rest| rest.split(',').next()).and_then(|p| p.parse().ok());
    let redis_port: u16 = redis_port.unwrap_or_else(|| panic!("no port in: {announced}"));
    let ready = lines.find(|line| line.as_ref().is_ok_and(|l| l.contains("http://127.0.0.1:")));
    assert!(ready.is_some(), "the console says where it is");
    // Later lines are not read; the pipe stays open all the same.
    std::thread::spawn(move || lines.for_each(drop));
    let mut con = redis::Client::open(("127.0.0.1", redis_port)).unwrap().get_connection().unwrap();
    let (_, redis_dir): (String, PathBuf) =
        redis::cmd("CONFIG").arg("GET").arg("dir").query::<(String, String)>(&mut con).map(|(a, b)| (a, b.into())).unwrap();
    assert!(redis_dir.is_dir());
    Demo { console, redis_port, redis_dir }
}

fn end(demo: &mut Demo, signal: &str) {
    let status = Command::new("kill").args([signal, &demo.console.id().to_string()]).status().expect("kill");
    assert!(status.success());
    let since = Instant::now();
    while demo.console.try_wait().expect("wait").is_none() {
        assert!(since.elapsed() < Duration::from_secs(3), "{signal} does not end the demo");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn gone(port: u16, dir: &Path) {
    let since = Instant::now();
    while answers(port) || dir.exists() {
        assert!(since.elapsed() < Duration::from_secs(3), "redis-server on {port} or {} is left", dir.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn ctrl_c_ends_the_demo_and_leaves_nothing() {
    let mut demo = demo();
    end(&mut demo, "-INT");
    assert!(demo.console.wait().expect("ended").success());
    // Nothing to wait for: it was gone before the console was.
    assert!(!answers(demo.redis_port) && !demo.redis_dir.exists());
}

#[test]
fn even_a_killed_demo_leaves_nothing() {
    let mut demo = demo();
    end(&mut demo, "-KILL");
    gone(demo.redis_port, &demo.redis_dir);
}

#[test]
fn without_a_redis_server_the_demo_says_how_to_get_one() {
    let demo =
        Command::new(env!("CARGO_BIN_EXE_flux-console")).args(["demo", "--port", "0"]).env("PATH", "/nowhere").output().expect("runs");
    let said = String::from_utf8_lossy(&demo.stderr);
    assert!(!demo.status.success() && demo.stdout.is_empty());
    assert!(said.contains("no redis-server on PATH") && said.contains("apt-get install redis-server"), "{said}");
}
