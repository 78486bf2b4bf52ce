//! The program as an operator starts it.

use clap::CommandFactory;
use flux_console::server::cli::{Cli, variables};
use std::{
    io::{BufRead, BufReader, Read},
    net::TcpListener,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// Without what the environment of the test run may set.
fn flux_console(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flux-console"));
    variables().iter().for_each(|name| {
        command.env_remove(name);
    });
    // Whoever asks for a file of its own does so itself: tests share no archive, least of all the user's.
    command.env("FLUX_ARCHIVE", "off");
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = flux_console(args).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// A console on a port of its own, and where it is. Killed when the test ends.
struct Running {
    child: Child,
    first_line: String,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first_line).unwrap();
        Self { child, first_line }
    }

    fn url(&self) -> &str {
        self.first_line
            .split_whitespace()
            .find(|word| word.starts_with("http://"))
            .unwrap_or_else(|| panic!("no address: {}", self.first_line))
    }

    fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_readme_lists_every_setting() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let (_, rest) = readme.split_once("<!-- options:start -->").expect("the mark before the table");
    let (table, _) = rest.split_once("<!-- options:end -->").expect("the mark behind the table");
    let listed: Vec<[String; 4]> = table
        .lines()
        .filter(|line| line.contains("`--"))
        .map(|line| {
            let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.replace('`', "").trim().to_owned()).collect();
            cells.try_into().unwrap_or_else(|cells| panic!("four columns: {cells:?}"))
        })
        .collect();
    let cli = Cli::command();
    let start = cli.find_subcommand("start").unwrap();
    let known: Vec<[String; 4]> = start
        .get_arguments()
        .filter(|arg| arg.get_id() != "help")
        .map(|arg| {
            let env = arg.get_env().unwrap_or_default().to_string_lossy().into_owned();
            let default = if arg.get_action().takes_values() {
                arg.get_default_values().join(",".as_ref()).to_string_lossy().into_owned()
            } else {
                String::new()
            };
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            [format!("--{}", arg.get_long().unwrap()), env, default, help]
        })
        .collect();
    assert_eq!(listed.len(), known.len(), "as many rows as settings");
    for setting in &known {
        let [flag, env, default, help] = setting;
        let row = listed.iter().find(|row| row[0] == *flag).unwrap_or_else(|| panic!("{flag} is not in the README"));
        assert_eq!([&row[1], &row[2]], [env, default], "{flag}");
        // The README may join a parenthesis to the sentence; the words are the same.
        let words =
            |text: &str| text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect::<Vec<_>>();
        assert_eq!(words(&row[3]), words(help), "{flag}");
    }
}

#[test]
fn help_teaches_and_hides_secrets() {
    let output =
        flux_console(&["start", "--help"]).env("REDIS_URL", "redis://ops:s3cret@cache").env("AUTH_PASSWORD", "hunter2").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for part in ["--url", "--password-file", "AUTH_PASSWORD", "Examples:", "--allow-open"] {
        assert!(help.contains(part), "{part} is missing:\n{help}");
    }
    assert!(!help.contains("s3cret") && !help.contains("hunter2"), "{help}");
    let (code, _, general) = run(&[]);
    assert_eq!(code, Some(2));
    assert!(general.contains("flux-console demo"), "{general}");
}

#[test]
fn an_open_network_needs_a_word() {
    for command in ["start", "demo"] {
        let (code, stdout, stderr) = run(&[command, "--host", "0.0.0.0", "--port", "0"]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.contains("--allow-open") && stderr.contains("AUTH_PASSWORD"), "{stderr}");
    }
}

#[test]
fn a_password_that_cannot_be_read_is_not_none() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let mut command = flux_console(&["start", "--port", "0", "--host", "0.0.0.0", "--allow-open"]);
    let Output { status, stdout, stderr } = command.env("AUTH_PASSWORD", OsStr::from_bytes(b"caf\xe9")).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout.as_slice()), (Some(2), &b""[..]), "{stderr}");
    assert!(stderr.contains("AUTH_PASSWORD is no UTF-8 text") && !stderr.contains("caf"), "{stderr}");
}

#[test]
fn a_taken_port_is_said_so() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let (code, _, stderr) = run(&["start", "--port", &port, "--url", "redis://127.0.0.1:1"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains(&format!("Port {port} is taken")) && stderr.contains("--port"), "{stderr}");
}

#[test]
fn a_url_that_cannot_be_read_is_not_repeated() {
    let (code, stdout, stderr) = run(&["start", "--url", "http://ops:s3cret@cache"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("rediss://") && !format!("{stdout}{stderr}").contains("s3cret"), "{stderr}");
}

#[tokio::test]
async fn secrets_stay_out_of_every_word_and_sigterm_ends_it() {
    let secrets = ["s3cret", "hunter2"];
    let mut command = flux_console(&["start", "--port", "0", "--log", "trace"]);
    command.env("REDIS_URL", "redis://ops:s3cret@127.0.0.1:1/2").env("AUTH_PASSWORD", "hunter2");
    let mut console = Running::start(&mut command);
    assert!(console.first_line.contains("127.0.0.1:1/2") && console.first_line.contains("with a password"), "{}", console.first_line);

    let browser = crate::support::http().cookie_store(true).build().unwrap();
    let mut said = console.first_line.clone();
    for password in ["wrong", "hunter2"] {
        let answer = browser
            .post(format!("{}/login", console.url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("password={password}&next=/api/v1/overview"))
            .send()
            .await
            .unwrap();
        said += &answer.text().await.unwrap();
    }
    let overview = format!("{}/api/v1/overview", console.url());
    let since = Instant::now();
    while !said.contains("\"down\"") && since.elapsed() < Duration::from_secs(10) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        said += &browser.get(&overview).send().await.unwrap().text().await.unwrap();
    }
    assert!(said.contains("\"down\""), "Redis cannot be reached there: {said}");
    let page = browser.get(console.url()).send().await.unwrap();
    assert_eq!(page.status(), 200, "pages are served without Redis");
    said += &page.text().await.unwrap();

    let stopping = Instant::now();
    console.terminate();
    let mut stderr = console.child.stderr.take().unwrap();
    let log = tokio::task::spawn_blocking(move || {
        let mut log = String::new();
        stderr.read_to_string(&mut log).map(|_| log)
    });
    said += &log.await.unwrap().unwrap();
    assert_eq!(console.child.wait().unwrap().code(), Some(0));
    assert!(stopping.elapsed() < Duration::from_secs(3), "{:?}", stopping.elapsed());
    assert!(said.contains("wrong password"), "the log was read");
    for secret in secrets {
        assert!(!said.contains(secret), "{secret} was said");
    }
}
