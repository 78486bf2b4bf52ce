use super::*;
use std::{fs, path::Path};

fn config(args: &[&str], password: Option<&str>) -> Result<Config, String> {
    let cli = Cli::try_parse_from(["flux-console", "start"].iter().chain(args)).unwrap();
    let Command::Start(start) = cli.command else { panic!("not start") };
    start.config(password.map(Into::into))
}

#[test]
fn the_command_line_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn all_that_the_environment_sets_is_named() {
    let all = variables();
    for name in ["REDIS_URL", "REDIS_CA", "PORT", "AUTH_PASSWORD", "FLUX_ARCHIVE", "RUST_LOG"] {
        assert!(all.contains(std::ffi::OsStr::new(name)), "{name} is not in {all:?}");
    }
}

#[test]
fn other_machines_need_a_password_or_a_word() {
    let refused = config(&["--host", "0.0.0.0"], None).err().unwrap();
    assert!(refused.contains("AUTH_PASSWORD") && refused.contains("--allow-open"), "{refused}");
    assert!(config(&["--host", "0.0.0.0"], Some("")).is_err(), "an empty password is none");
    assert!(config(&["--host", "0.0.0.0"], Some("hunter2")).is_ok());
    assert!(config(&["--host", "0.0.0.0", "--allow-open"], None).is_ok());
    assert!(config(&["--host", "localhost"], None).is_ok_and(|c| c.host.is_loopback()));
    assert!(config(&["--host", "::1"], None).is_ok());
}

#[test]
fn a_wrong_url_is_not_repeated() {
    let refused = config(&["--url", "redis//user:s3cret@host"], None).err().unwrap();
    assert!(!refused.contains("s3cret"), "{refused}");
}

#[test]
fn authorities_are_certificates_and_for_tls() {
    let dir = tempfile::tempdir().unwrap();
    let with = |url: &str, file: &Path| config(&["--url", url, "--redis-ca", file.to_str().unwrap()], None);
    let fixtures = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls"));
    let (ca, tls) = (fixtures.join("ca.pem"), "rediss://ops:s3cret@cache");
    assert!(with(tls, &ca).is_ok_and(|config| config.redis_ca == fs::read(&ca).ok()));
    let broken = dir.path().join("broken.pem");
    fs::write(&broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (url, file, says) in [
        (tls, dir.path().join("missing.pem"), "missing.pem cannot be read: "),
        (tls, fixtures.join("localhost.key"), "localhost.key holds no certificate. "),
        (tls, broken, "broken.pem holds a certificate that cannot be read."),
        ("redis://ops:s3cret@cache", ca, "is for TLS"),
    ] {
        let refused = with(url, &file).err().unwrap();
        assert!(refused.contains("--redis-ca (REDIS_CA) ") && refused.contains(says), "{refused}");
        assert!(!refused.contains("s3cret"), "{refused}");
    }
}

#[test]
fn monitor_prefixes_add_up() {
    assert_eq!(config(&["--monitor-prefix", "a:", "--monitor-prefix", "b:,c:"], None).unwrap().monitor_prefixes, ["a:", "b:", "c:"]);
}

#[test]
fn a_time_zone_is_one_that_is_known() {
    assert_eq!(config(&["--schedule-timezone", "europe/berlin"], None).unwrap().schedule_timezone, Tz::Europe__Berlin);
    assert!(Cli::try_parse_from(["flux-console", "start", "--schedule-timezone", "Mars/Olympus"]).is_err());
    assert!(config(&[], None).unwrap().scheduler && !config(&["--no-scheduler"], None).unwrap().scheduler);
}

#[test]
fn origins_are_whole() {
    assert!(config(&["--trust-origin", "https://console.example.com"], None).is_ok());
    for wrong in ["console.example.com", "https://console.example.com/path", "ftp://x"] {
        assert!(config(&["--trust-origin", wrong], None).is_err(), "{wrong}");
    }
}

#[test]
fn the_first_line_of_the_file_is_the_password() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("password");
    fs::write(&file, "hunter2\nsecond\n").unwrap();
    let path = file.to_str().unwrap();
    assert_eq!(config(&["--password-file", path], Some("other")).unwrap().password.as_deref(), Some("hunter2"));
    fs::write(&file, "\n").unwrap();
    assert!(config(&["--password-file", path], None).is_err());
}
